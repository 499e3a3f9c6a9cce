import { compile, param, sql } from '../postgres/sql.ts';
import { FUNCTION_FACTS, namesOf } from './catalog-functions.ts';

/**
 * What there is of given names; functions and operators of initdb are left to `catalog-functions.ts`. Schemas of the path
 * on which the login has no USAGE are passed over, as PostgreSQL does; temporary objects are not found. OIDs below 16384
 * are those of initdb. Schemas are '' where a name has none. The cast that comes with a range type calls what PostgreSQL
 * made, in the language of OID 12.
 */
const LOOK_UP = sql`
  WITH RECURSIVE space (schema, oid, place) AS MATERIALIZED (
    SELECT '', n.oid, p.place
      FROM pg_catalog.json_array_elements_text(${param('path')}::pg_catalog.json) WITH ORDINALITY AS p (name, place),
           LATERAL (SELECT n.oid, n.nspname FROM pg_catalog.pg_namespace n
                     WHERE n.nspname = p.name::pg_catalog.name OFFSET 0) n
     WHERE pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND n.nspname !~ '^pg_(toast_)?temp_'
     UNION ALL
    SELECT n.nspname::text, n.oid, 0
      FROM pg_catalog.json_array_elements_text(${param('spaces')}::pg_catalog.json) AS s (name),
           LATERAL (SELECT n.oid, n.nspname FROM pg_catalog.pg_namespace n
                     WHERE n.nspname = s.name::pg_catalog.name OFFSET 0) n
     WHERE n.nspname !~ '^pg_(toast_)?temp_'
  ), named AS MATERIALIZED (
    SELECT w.schema, w.name, c.oid
      FROM ${namesOf.relations}, LATERAL (
        SELECT c.oid FROM space s, LATERAL (
                 SELECT c.oid FROM pg_catalog.pg_class c
                  WHERE c.relname = w.name AND c.relnamespace = s.oid OFFSET 0) c
         WHERE s.schema = w.schema ORDER BY s.place LIMIT 1) c
  ), down (oid) AS (
    SELECT oid FROM named
     UNION
    SELECT i.inhrelid FROM down d, LATERAL (
      SELECT i.inhrelid FROM pg_catalog.pg_inherits i WHERE i.inhparent = d.oid OFFSET 0) i
  ), up (oid) AS (
    SELECT oid FROM down
     UNION
    SELECT i.inhparent FROM up u, LATERAL (
      SELECT i.inhparent FROM pg_catalog.pg_inherits i WHERE i.inhrelid = u.oid OFFSET 0) i
  ), called AS MATERIALIZED (
    SELECT false AS by_operator, w.schema, w.name, p.code
      FROM ${namesOf.functions}, space s, LATERAL (
        SELECT p.oid AS code FROM pg_catalog.pg_proc p
         WHERE p.proname = w.name AND p.pronamespace = s.oid
           AND (p.oid >= 16384 OR p.pronamespace <> 'pg_catalog'::pg_catalog.regnamespace) OFFSET 0) p
     WHERE s.schema = w.schema
     UNION ALL
    SELECT true, w.schema, w.name, o.code
      FROM ${namesOf.operators}, space s, LATERAL (
        SELECT o.oprcode::pg_catalog.oid AS code FROM pg_catalog.pg_operator o
         WHERE o.oprname = w.name AND o.oprnamespace = s.oid AND o.oid >= 16384 AND o.oprcode <> 0 OFFSET 0) o
     WHERE s.schema = w.schema
  )
  SELECT pg_catalog.json_build_object(
    'encoding', pg_catalog.getdatabaseencoding(),
    'named', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(schema, name, oid::pg_catalog.int8)) FROM named),
    'inherits', (
      SELECT pg_catalog.json_agg(pg_catalog.json_build_array(i.inhparent::pg_catalog.int8, u.oid::pg_catalog.int8))
        FROM up u, LATERAL (
          SELECT i.inhparent FROM pg_catalog.pg_inherits i WHERE i.inhrelid = u.oid OFFSET 0) i),
    'relations', (
      SELECT pg_catalog.json_agg(c.fact) FROM up u, LATERAL (
        SELECT pg_catalog.json_build_object(
               'oid', c.oid::pg_catalog.int8, 'schema', n.nspname, 'name', c.relname, 'kind', c.relkind,
               'row_security', c.relrowsecurity,
               'write_rules', c.relhasrules AND EXISTS (
                 SELECT FROM pg_catalog.pg_rewrite r WHERE r.ev_class = c.oid AND r.ev_type <> '1'),
               'program', c.relkind = 'f' AND EXISTS (
                 SELECT FROM pg_catalog.pg_foreign_table f, pg_catalog.unnest(f.ftoptions) option
                  WHERE f.ftrelid = c.oid AND option ~* '^program='),
               'extension', CASE WHEN c.oid >= 16384 THEN (
                 SELECT e.extname FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
                  WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid
                    AND d.objsubid = 0 AND d.deptype = 'e'
                    AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass LIMIT 1) END,
               'columns', (
                 SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
                          a.attname, a.attnum, a.atttypid::pg_catalog.int8, a.attgenerated,
                          CASE WHEN a.attgenerated <> '' THEN (
                            SELECT pg_catalog.json_agg(DISTINCT b.attname)
                              FROM pg_catalog.pg_depend d
                              JOIN pg_catalog.pg_attribute b ON b.attrelid = d.refobjid AND b.attnum = d.refobjsubid
                             WHERE d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = a.attrelid
                               AND d.refobjsubid <> a.attnum AND d.refobjsubid <> 0
                               AND ((d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                                     AND d.objid = a.attrelid AND d.objsubid = a.attnum)
                                 OR (d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND d.objid = (
                                       SELECT f.oid FROM pg_catalog.pg_attrdef f
                                        WHERE f.adrelid = a.attrelid AND f.adnum = a.attnum)))) END,
                          CASE WHEN a.atttypid >= 16384 THEN (
                            WITH RECURSIVE below (oid, base, category) AS (
                              SELECT t.oid, t.typbasetype, t.typcategory FROM pg_catalog.pg_type t WHERE t.oid = a.atttypid
                               UNION ALL
                              SELECT t.oid, t.typbasetype, t.typcategory
                                FROM below b JOIN pg_catalog.pg_type t ON t.oid = b.base)
                            SELECT pg_catalog.json_build_array(b.oid::pg_catalog.int8, b.category)
                              FROM below b WHERE b.base = 0) END
                        ) ORDER BY a.attnum)
                   FROM pg_catalog.pg_attribute a
                  WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)) AS fact
          FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
         WHERE c.oid = u.oid OFFSET 0) c),
    'called', (
      SELECT pg_catalog.json_agg(pg_catalog.json_build_array(by_operator, schema, name, code::pg_catalog.int8))
        FROM called),
    ${FUNCTION_FACTS},
    'types', (
      SELECT pg_catalog.json_agg(t.found) FROM ${namesOf.types}, LATERAL (
        SELECT pg_catalog.json_build_array(
                 w.schema, w.name, t.oid::pg_catalog.int8, n.nspname, t.typname,
                 CASE WHEN t.typcategory = 'A' AND t.typelem <> 0 THEN 'a' ELSE t.typtype::text END) AS found
          FROM space s, LATERAL (
                 SELECT t.oid, t.typname, t.typnamespace, t.typcategory, t.typelem, t.typtype FROM pg_catalog.pg_type t
                  WHERE t.typname = w.name AND t.typnamespace = s.oid OFFSET 0) t
          JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
         WHERE s.schema = w.schema ORDER BY s.place LIMIT 1) t),
    'casts', (
      SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
               k.castsource::pg_catalog.int8, k.casttarget::pg_catalog.int8, n.nspname, p.proname))
        FROM pg_catalog.pg_cast k
        JOIN pg_catalog.pg_proc p ON p.oid = k.castfunc
        JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
       WHERE k.oid >= 16384 AND (p.prosrc <> 'multirange_constructor1' OR p.prolang <> 12))
  )`;

export const NAMES = compile(LOOK_UP);
