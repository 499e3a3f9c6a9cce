import { compile, param, sql } from '../postgres/sql.ts';

/**
 * What there is of given names. Schemas of the path on which the login has no USAGE are passed over, as PostgreSQL
 * does; temporary objects are not found. OIDs below 16384 are those of initdb. Schemas are '' where a name has none. The
 * cast that comes with a range type calls what PostgreSQL made, in the language of OID 12.
 */
const LOOK_UP = sql`
  WITH RECURSIVE space (schema, oid, place) AS MATERIALIZED (
    SELECT '', n.oid, p.place
      FROM pg_catalog.unnest(${param('path')}::pg_catalog.name[]) WITH ORDINALITY AS p (name, place)
      JOIN pg_catalog.pg_namespace n ON n.nspname = p.name
     WHERE pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND n.nspname !~ '^pg_(toast_)?temp_'
     UNION ALL
    SELECT n.nspname::text, n.oid, 0
      FROM pg_catalog.pg_namespace n
     WHERE n.nspname = ANY (${param('spaces')}::pg_catalog.name[]) AND n.nspname !~ '^pg_(toast_)?temp_'
  ), named AS MATERIALIZED (
    SELECT DISTINCT ON (w.schema, w.name) w.schema, w.name, c.oid
      FROM ROWS FROM (
             pg_catalog.unnest(${param('relation_schemas')}::text[]),
             pg_catalog.unnest(${param('relation_names')}::pg_catalog.name[])
           ) AS w (schema, name)
      JOIN space s ON s.schema = w.schema
      JOIN pg_catalog.pg_class c ON c.relname = w.name AND c.relnamespace = s.oid
     ORDER BY w.schema, w.name, s.place
  ), down (oid) AS (
    SELECT oid FROM named UNION SELECT i.inhrelid FROM down d JOIN pg_catalog.pg_inherits i ON i.inhparent = d.oid
  ), up (oid) AS (
    SELECT oid FROM down UNION SELECT i.inhparent FROM up u JOIN pg_catalog.pg_inherits i ON i.inhrelid = u.oid
  ), operator AS MATERIALIZED (
    SELECT w.schema, w.name, o.oprcode::pg_catalog.oid AS code
      FROM ROWS FROM (
             pg_catalog.unnest(${param('operator_schemas')}::text[]),
             pg_catalog.unnest(${param('operator_names')}::pg_catalog.name[])
           ) AS w (schema, name)
      JOIN space s ON s.schema = w.schema
      JOIN pg_catalog.pg_operator o ON o.oprname = w.name AND o.oprnamespace = s.oid
     WHERE o.oprcode <> 0
  ), called AS (
    SELECT false AS by_operator, w.schema, w.name, p.oid AS code
      FROM ROWS FROM (
             pg_catalog.unnest(${param('function_schemas')}::text[]),
             pg_catalog.unnest(${param('function_names')}::pg_catalog.name[])
           ) AS w (schema, name)
      JOIN space s ON s.schema = w.schema
      JOIN pg_catalog.pg_proc p ON p.proname = w.name AND p.pronamespace = s.oid
     UNION ALL
    SELECT true, schema, name, code FROM operator
  )
  SELECT pg_catalog.json_build_object(
    'encoding', pg_catalog.getdatabaseencoding(),
    'named', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(schema, name, oid::pg_catalog.int8)) FROM named),
    'inherits', (
      SELECT pg_catalog.json_agg(pg_catalog.json_build_array(i.inhparent::pg_catalog.int8, i.inhrelid::pg_catalog.int8))
        FROM up u JOIN pg_catalog.pg_inherits i ON i.inhrelid = u.oid),
    'relations', (
      SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
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
                  WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)))
        FROM up u
        JOIN pg_catalog.pg_class c ON c.oid = u.oid
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace),
    'called', (
      SELECT pg_catalog.json_agg(pg_catalog.json_build_array(by_operator, schema, name, code::pg_catalog.int8))
        FROM called),
    'functions', (
      SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
               'oid', p.oid::pg_catalog.int8, 'schema', n.nspname, 'name', p.proname, 'language', l.lanname,
               'volatility', p.provolatile, 'arguments', p.proargtypes::text, 'result', p.prorettype::pg_catalog.int8,
               'takes_row', p.pronargs > 0 AND p.pronargs - p.pronargdefaults <= 1 AND EXISTS (
                 SELECT FROM pg_catalog.pg_type t LEFT JOIN pg_catalog.pg_type b ON b.oid = t.typbasetype
                  WHERE t.oid = p.proargtypes[0]
                    AND (t.typtype = 'c' OR b.typtype = 'c'
                      OR (t.typtype = 'p' AND t.typname !~ '(array|enum|range)$|_handler$|^(internal|cstring|trigger)$') OR p.provariadic <> 0 OR EXISTS (
                      SELECT FROM pg_catalog.pg_cast k JOIN pg_catalog.pg_type r ON r.oid = k.castsource
                       WHERE k.casttarget = t.oid AND r.typtype IN ('c', 'd') AND k.castcontext = 'i'))),
               'extension', CASE WHEN p.oid >= 12000 THEN (
                 SELECT e.extname FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
                  WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid = p.oid AND d.deptype = 'e'
                    AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass LIMIT 1) END))
        FROM (SELECT DISTINCT code FROM called) x
        JOIN pg_catalog.pg_proc p ON p.oid = x.code
        JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
        JOIN pg_catalog.pg_language l ON l.oid = p.prolang),
    'argument_types', (
      SELECT pg_catalog.json_agg(pg_catalog.json_build_array(t.oid::pg_catalog.int8, n.nspname, t.typname))
        FROM (SELECT DISTINCT a FROM called x JOIN pg_catalog.pg_proc p ON p.oid = x.code,
                     pg_catalog.unnest(p.proargtypes) a) y
        JOIN pg_catalog.pg_type t ON t.oid = y.a
        JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace),
    'types', (
      SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
               w.schema, w.name, t.oid::pg_catalog.int8, n.nspname, t.typname,
               CASE WHEN t.typcategory = 'A' AND t.typelem <> 0 THEN 'a' ELSE t.typtype::text END))
        FROM ROWS FROM (
               pg_catalog.unnest(${param('type_schemas')}::text[]),
               pg_catalog.unnest(${param('type_names')}::pg_catalog.name[])
             ) AS w (schema, name),
             LATERAL (SELECT t.oid FROM space s
                        JOIN pg_catalog.pg_type t ON t.typname = w.name AND t.typnamespace = s.oid
                       WHERE s.schema = w.schema ORDER BY s.place LIMIT 1) found
        JOIN pg_catalog.pg_type t ON t.oid = found.oid
        JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace),
    'casts', (
      SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
               k.castsource::pg_catalog.int8, k.casttarget::pg_catalog.int8, n.nspname, p.proname))
        FROM pg_catalog.pg_cast k
        JOIN pg_catalog.pg_proc p ON p.oid = k.castfunc
        JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
       WHERE k.oid >= 16384 AND (p.prosrc <> 'multirange_constructor1' OR p.prolang <> 12))
  )`;

export const NAMES = compile(LOOK_UP);
