import { compile, param, sql, type Sql, type Statement } from '../postgres/sql.ts';

/** Multiranges came with PostgreSQL 14. */
const RANGES_14 = sql`r.rngtypid = c.oid OR r.rngmultitypid = c.oid`;
const RANGES_12 = sql`r.rngtypid = c.oid`;
const MULTIRANGES_14 = sql`UNION ALL SELECT r.rngtypid FROM pg_catalog.pg_range r WHERE r.rngmultitypid = c.oid`;
const MULTIRANGES_12 = sql``;

/** The members of one list in the parameter `oids`; see `catalog-functions.ts` for the guesses of the planner. */
function listed(list: Sql): Sql {
  return sql`(
        SELECT oid FROM pg_catalog.json_to_recordset(${param('oids')}::pg_catalog.json) AS r (list text, oid pg_catalog.oid)
         WHERE list = ${list})`;
}

/**
 * Texts of definitions, each with the objects of users that pg_depend knows it to use: texts do not name what JOIN USING
 * or IS DISTINCT FROM call. `views` and `secured` are relations; `computed` those whose virtual columns are read, and
 * `written` those that a statement writes to, whose defaults and policies count in full. `direct` are read by the login itself.
 */
function definitions(ranges: Sql, multiranges: Sql): Statement {
  return compile(sql`
  WITH RECURSIVE written (oid) AS MATERIALIZED (
    SELECT w.oid FROM ${listed(sql`'written'`)} AS w
  ), direct (oid) AS MATERIALIZED (
    SELECT w.oid FROM ${listed(sql`'direct'`)} AS w
  ), view AS MATERIALIZED (
    SELECT v.oid AS owner, r.oid
      FROM ${listed(sql`'views'`)} AS v, LATERAL (
        SELECT r.oid FROM pg_catalog.pg_rewrite r
         WHERE r.ev_class = v.oid AND r.ev_type = '1' OFFSET 0) r
  ), policy AS MATERIALIZED (
    SELECT s.oid AS owner, p.oid, p.polqual, p.polwithcheck, p.written
      FROM ${listed(sql`'secured'`)} AS s, LATERAL (
        SELECT p.oid, p.polcmd, p.polqual, p.polwithcheck, p.polroles, p.polrelid,
               p.polrelid IN (SELECT oid FROM written) AS written
          FROM pg_catalog.pg_policy p WHERE p.polrelid = s.oid OFFSET 0) p
     WHERE (p.polcmd IN ('r', '*') OR p.written)
       AND (p.polrelid NOT IN (SELECT oid FROM direct) OR 0 = ANY (p.polroles) OR EXISTS (
         SELECT FROM pg_catalog.unnest(p.polroles) role WHERE pg_catalog.pg_has_role(role, 'MEMBER')))
  ), computed AS MATERIALIZED (
    SELECT c.oid AS owner, f.oid, f.adnum, f.adbin
      FROM (SELECT c.oid, false
              FROM ${listed(sql`'computed'`)} AS c
             UNION ALL SELECT oid, true FROM written) AS c (oid, written), LATERAL (
        SELECT f.oid, f.adnum, f.adbin, a.attgenerated
          FROM pg_catalog.pg_attrdef f
          JOIN pg_catalog.pg_attribute a ON a.attrelid = f.adrelid AND a.attnum = f.adnum
         WHERE f.adrelid = c.oid OFFSET 0) f
     WHERE c.written OR f.attgenerated = 'v'
  ), part (whole, oid) AS (
    SELECT t.oid, t.oid FROM ${listed(sql`'types'`)} AS t
     UNION
    SELECT x.whole, p.oid
      FROM part x, LATERAL (
             SELECT c.oid, c.typelem, c.typbasetype, c.typtype, c.typrelid
               FROM pg_catalog.pg_type c WHERE c.oid = x.oid OFFSET 0) c, LATERAL (
             SELECT c.typelem WHERE c.typelem <> 0
              UNION ALL SELECT c.typbasetype WHERE c.typbasetype <> 0
              UNION ALL SELECT a.atttypid FROM pg_catalog.pg_attribute a
                         WHERE c.typtype = 'c' AND a.attrelid = c.typrelid AND a.attnum > 0 AND NOT a.attisdropped
              UNION ALL SELECT r.rngsubtype FROM pg_catalog.pg_range r WHERE r.rngtypid = c.oid
              ${multiranges}
           ) AS p (oid)
     WHERE x.oid >= 16384
  ), type AS MATERIALIZED (
    SELECT t.* FROM (SELECT DISTINCT oid FROM part) x, LATERAL (
        SELECT t.oid, n.nspname, t.typname, t.typtype, t.typelem, t.typcategory
          FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
         WHERE t.oid = x.oid OFFSET 0) t
  ), checked AS MATERIALIZED (
    SELECT t.oid AS owner, k.oid, k.conbin
      FROM type t, LATERAL (
        SELECT k.oid, k.conbin FROM pg_catalog.pg_constraint k
         WHERE k.contypid = t.oid AND k.contype = 'c' OFFSET 0) k
     WHERE t.typtype = 'd'
  ), definition (kind, owner, catalog, oid, subid) AS (
    SELECT 'definition', owner, 'pg_catalog.pg_rewrite'::pg_catalog.regclass::pg_catalog.oid, oid, 0 FROM view
     UNION ALL
    SELECT 'policy', owner, 'pg_catalog.pg_policy'::pg_catalog.regclass, oid, 0 FROM policy
     UNION ALL
    SELECT 'default', owner, 'pg_catalog.pg_attrdef'::pg_catalog.regclass, oid, 0 FROM computed
     UNION ALL
    SELECT 'default', owner, 'pg_catalog.pg_class'::pg_catalog.regclass, owner, adnum FROM computed
     UNION ALL
    SELECT 'check', owner, 'pg_catalog.pg_constraint'::pg_catalog.regclass, oid, 0 FROM checked
  ), used AS MATERIALIZED (
    SELECT DISTINCT f.kind, f.owner, d.refclassid, d.refobjid
      FROM definition f, LATERAL (
        SELECT d.refclassid, d.refobjid FROM pg_catalog.pg_depend d
         WHERE d.classid = f.catalog AND d.objid = f.oid AND d.objsubid = f.subid OFFSET 0) d
     WHERE d.refobjid <> f.owner
  )
  SELECT pg_catalog.json_build_object(
    'search_path', pg_catalog.current_setting('search_path'),
    'texts', (
      SELECT pg_catalog.json_agg(pg_catalog.json_build_array(kind, owner::pg_catalog.int8, text))
        FROM (SELECT 'definition', owner, pg_catalog.pg_get_viewdef(owner) FROM view
               UNION ALL
              SELECT 'policy', owner, pg_catalog.pg_get_expr(polqual, owner) FROM policy WHERE polqual IS NOT NULL
               UNION ALL
              SELECT 'policy', owner, pg_catalog.pg_get_expr(polwithcheck, owner) FROM policy
               WHERE written AND polwithcheck IS NOT NULL
               UNION ALL
              SELECT 'default', owner, pg_catalog.pg_get_expr(adbin, owner) FROM computed
               UNION ALL
              SELECT 'check', owner, pg_catalog.pg_get_expr(conbin, 0) FROM checked) AS t (kind, owner, text)),
    'uses', (
      SELECT pg_catalog.json_agg(pg_catalog.json_build_array(kind, owner::pg_catalog.int8, what, schema, name, arity))
        FROM (SELECT u.kind, u.owner, 'relation', o.schema, o.name, o.arity
                FROM used u, LATERAL (
                  SELECT n.nspname AS schema, o.relname AS name, 0 AS arity
                    FROM pg_catalog.pg_class o JOIN pg_catalog.pg_namespace n ON n.oid = o.relnamespace
                   WHERE o.oid = u.refobjid OFFSET 0) o
               WHERE u.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
               UNION ALL
              SELECT u.kind, u.owner, 'function', o.schema, o.name, o.arity
                FROM used u, LATERAL (
                  SELECT n.nspname AS schema, o.proname AS name, 0 AS arity
                    FROM pg_catalog.pg_proc o JOIN pg_catalog.pg_namespace n ON n.oid = o.pronamespace
                   WHERE o.oid = u.refobjid OFFSET 0) o
               WHERE u.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass
               UNION ALL
              SELECT u.kind, u.owner, 'operator', o.schema, o.name, o.arity
                FROM used u, LATERAL (
                  SELECT n.nspname AS schema, o.oprname AS name, CASE WHEN o.oprleft = 0 THEN 1 ELSE 2 END AS arity
                    FROM pg_catalog.pg_operator o JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace
                   WHERE o.oid = u.refobjid OFFSET 0) o
               WHERE u.refclassid = 'pg_catalog.pg_operator'::pg_catalog.regclass
               UNION ALL
              SELECT u.kind, u.owner, 'type', o.schema, o.name, o.arity
                FROM used u, LATERAL (
                  SELECT n.nspname AS schema, o.typname AS name, 0 AS arity
                    FROM pg_catalog.pg_type o JOIN pg_catalog.pg_namespace n ON n.oid = o.typnamespace
                   WHERE o.oid = u.refobjid OFFSET 0) o
               WHERE u.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass
             ) AS x (kind, owner, what, schema, name, arity)),
    'types', (
      SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
               'oid', c.oid::pg_catalog.int8, 'schema', c.nspname, 'name', c.typname,
               'kind', CASE WHEN c.typcategory = 'A' AND c.typelem <> 0 THEN 'a' ELSE c.typtype::text END,
               'extension', CASE WHEN c.oid >= 12000 THEN (
                 SELECT e.extname FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
                  WHERE d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass AND d.objid = c.oid AND d.deptype = 'e'
                    AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass LIMIT 1) END,
               'parts', (SELECT pg_catalog.json_agg(DISTINCT p.oid::pg_catalog.int8)
                           FROM part p WHERE p.whole = c.oid AND p.oid <> c.oid),
               'calls', (
                 SELECT pg_catalog.json_agg(pg_catalog.json_build_array(n.nspname, p.proname))
                   FROM pg_catalog.pg_range r
                   JOIN pg_catalog.pg_proc p ON p.oid IN (r.rngcanonical, r.rngsubdiff)
                   JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
                  WHERE ${ranges})))
        FROM type c)
  )`);
}

const DEFINITIONS_14 = definitions(RANGES_14, MULTIRANGES_14);
const DEFINITIONS_12 = definitions(RANGES_12, MULTIRANGES_12);

export function definitionsStatement(major: number): Statement {
  return major >= 14 ? DEFINITIONS_14 : DEFINITIONS_12;
}
