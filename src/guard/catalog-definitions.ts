import { compile, param, sql, type Sql, type Statement } from '../postgres/sql.ts';

/** Multiranges came with PostgreSQL 14. */
const RANGES_14 = sql`r.rngtypid = c.oid OR r.rngmultitypid = c.oid`;
const RANGES_12 = sql`r.rngtypid = c.oid`;
const MULTIRANGES_14 = sql`UNION ALL SELECT r.rngtypid FROM pg_catalog.pg_range r WHERE r.rngmultitypid = c.oid`;
const MULTIRANGES_12 = sql``;

/**
 * Texts of definitions, each with the objects of users that pg_depend knows it to use: texts do not name what JOIN USING
 * or IS DISTINCT FROM call. `views` and `secured` are relations; `computed` those whose virtual columns are read, and
 * `written` those that a statement writes to, whose defaults and policies count in full. `direct` are read by the login itself.
 */
function definitions(ranges: Sql, multiranges: Sql): Statement {
  return compile(sql`
  WITH RECURSIVE view AS MATERIALIZED (
    SELECT r.ev_class AS owner, r.oid
      FROM pg_catalog.pg_rewrite r
     WHERE r.ev_class = ANY (${param('views')}::pg_catalog.oid[]) AND r.ev_type = '1'
  ), policy AS MATERIALIZED (
    SELECT p.polrelid AS owner, p.oid, p.polqual, p.polwithcheck, w.written
      FROM pg_catalog.pg_policy p,
           LATERAL (SELECT p.polrelid = ANY (${param('written')}::pg_catalog.oid[])) AS w (written)
     WHERE p.polrelid = ANY (${param('secured')}::pg_catalog.oid[])
       AND (p.polcmd IN ('r', '*') OR w.written)
       AND (p.polrelid <> ALL (${param('direct')}::pg_catalog.oid[]) OR 0 = ANY (p.polroles) OR EXISTS (
         SELECT FROM pg_catalog.unnest(p.polroles) role WHERE pg_catalog.pg_has_role(role, 'MEMBER')))
  ), computed AS MATERIALIZED (
    SELECT f.adrelid AS owner, f.oid, f.adnum, f.adbin
      FROM pg_catalog.pg_attrdef f
      JOIN pg_catalog.pg_attribute a ON a.attrelid = f.adrelid AND a.attnum = f.adnum
     WHERE (f.adrelid = ANY (${param('computed')}::pg_catalog.oid[]) AND a.attgenerated = 'v')
        OR f.adrelid = ANY (${param('written')}::pg_catalog.oid[])
  ), part (whole, oid) AS (
    SELECT seed, seed FROM pg_catalog.unnest(${param('types')}::pg_catalog.oid[]) seed
     UNION
    SELECT c.oid, p.oid
      FROM part x JOIN pg_catalog.pg_type c ON c.oid = x.oid,
           LATERAL (
             SELECT c.typelem WHERE c.typelem <> 0
              UNION ALL SELECT c.typbasetype WHERE c.typbasetype <> 0
              UNION ALL SELECT a.atttypid FROM pg_catalog.pg_attribute a
                         WHERE c.typtype = 'c' AND a.attrelid = c.typrelid AND a.attnum > 0 AND NOT a.attisdropped
              UNION ALL SELECT r.rngsubtype FROM pg_catalog.pg_range r WHERE r.rngtypid = c.oid
              ${multiranges}
           ) AS p (oid)
     WHERE x.oid >= 16384
  ), type AS MATERIALIZED (
    SELECT t.oid, n.nspname, t.typname, t.typtype, t.typelem, t.typcategory
      FROM (SELECT DISTINCT oid FROM part) x
      JOIN pg_catalog.pg_type t ON t.oid = x.oid
      JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
  ), checked AS MATERIALIZED (
    SELECT k.contypid AS owner, k.oid, k.conbin
      FROM type t JOIN pg_catalog.pg_constraint k ON k.contypid = t.oid
     WHERE t.typtype = 'd' AND k.contype = 'c'
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
      FROM definition f
      JOIN pg_catalog.pg_depend d ON d.classid = f.catalog AND d.objid = f.oid AND d.objsubid = f.subid
     WHERE d.refobjid <> f.owner
  )
  SELECT pg_catalog.json_build_object(
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
        FROM (SELECT u.kind, u.owner, 'relation', n.nspname, c.relname, 0
                FROM used u JOIN pg_catalog.pg_class c ON c.oid = u.refobjid
                JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
               WHERE u.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
               UNION ALL
              SELECT u.kind, u.owner, 'function', n.nspname, p.proname, 0
                FROM used u JOIN pg_catalog.pg_proc p ON p.oid = u.refobjid
                JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
               WHERE u.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass
               UNION ALL
              SELECT u.kind, u.owner, 'operator', n.nspname, o.oprname, CASE WHEN o.oprleft = 0 THEN 1 ELSE 2 END
                FROM used u JOIN pg_catalog.pg_operator o ON o.oid = u.refobjid
                JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace
               WHERE u.refclassid = 'pg_catalog.pg_operator'::pg_catalog.regclass
               UNION ALL
              SELECT u.kind, u.owner, 'type', n.nspname, t.typname, 0
                FROM used u JOIN pg_catalog.pg_type t ON t.oid = u.refobjid
                JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
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
