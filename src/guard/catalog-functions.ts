import { compile, param, sql, type Sql } from '../postgres/sql.ts';

/**
 * The objects of one kind in the parameter `names`. The planner guesses one row, whatever stands in the JSON, so that one
 * plan serves all values: without that it would plan these statements anew each time, and make room for rows that never
 * come. OFFSET 0 keeps what follows to the index.
 */
function named(kind: Sql): Sql {
  return sql`(
        SELECT schema, name
          FROM pg_catalog.json_to_recordset(${param('names')}::pg_catalog.json) AS r (kind text, schema text, name pg_catalog.name)
         WHERE kind = ${kind}) AS w`;
}

export const namesOf = {
  relations: named(sql`'relations'`),
  functions: named(sql`'functions'`),
  operators: named(sql`'operators'`),
  types: named(sql`'types'`),
};

/** The keys `functions` and `argument_types` of an answer: what the functions are whose OIDs stand in `called (code)`. */
export const FUNCTION_FACTS = sql`
    'functions', (
      SELECT pg_catalog.json_agg(f.fact) FROM (SELECT DISTINCT code FROM called) x, LATERAL (
        SELECT pg_catalog.json_build_object(
               'oid', p.oid::pg_catalog.int8, 'schema', n.nspname, 'name', p.proname, 'language', l.lanname,
               'volatility', p.provolatile, 'arguments', p.proargtypes::text, 'result', p.prorettype::pg_catalog.int8,
               'takes_row', p.pronargs > 0 AND p.pronargs - p.pronargdefaults <= 1 AND EXISTS (
                 SELECT FROM pg_catalog.pg_type t LEFT JOIN pg_catalog.pg_type b ON b.oid = t.typbasetype
                  WHERE t.oid = p.proargtypes[0]
                    AND (t.typtype = 'c' OR b.typtype = 'c'
                      OR (t.typtype = 'p' AND t.typname !~ '(array|enum|range)$|_handler$|^(internal|cstring|trigger)$')
                      OR p.provariadic <> 0 OR EXISTS (
                      SELECT FROM pg_catalog.pg_cast k JOIN pg_catalog.pg_type r ON r.oid = k.castsource
                       WHERE k.oid >= 16384 AND k.casttarget = t.oid AND r.typtype IN ('c', 'd')
                         AND k.castcontext = 'i'))),
               'extension', CASE WHEN p.oid >= 12000 THEN (
                 SELECT e.extname FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
                  WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid = p.oid AND d.deptype = 'e'
                    AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass LIMIT 1) END) AS fact
          FROM pg_catalog.pg_proc p
          JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
          JOIN pg_catalog.pg_language l ON l.oid = p.prolang
         WHERE p.oid = x.code OFFSET 0) f),
    'argument_types', (
      SELECT pg_catalog.json_agg(t.found)
        FROM (SELECT DISTINCT p.argument FROM called x, LATERAL (
                SELECT pg_catalog.unnest(p.proargtypes) AS argument FROM pg_catalog.pg_proc p
                 WHERE p.oid = x.code OFFSET 0) p) y,
             LATERAL (
               SELECT pg_catalog.json_build_array(t.oid::pg_catalog.int8, n.nspname, t.typname) AS found
                 FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
                WHERE t.oid = y.argument OFFSET 0) t)`;

/** Functions that initdb makes, by their names and by those of operators. */
export const BUILT_INS = compile(sql`
  WITH called AS MATERIALIZED (
    SELECT false AS by_operator, w.name, p.code
      FROM ${namesOf.functions}, LATERAL (
        SELECT p.oid AS code FROM pg_catalog.pg_proc p
         WHERE p.proname = w.name AND p.pronamespace = 'pg_catalog'::pg_catalog.regnamespace AND p.oid < 16384 OFFSET 0) p
     UNION ALL
    SELECT true, w.name, o.code
      FROM ${namesOf.operators}, LATERAL (
        SELECT o.oprcode::pg_catalog.oid AS code FROM pg_catalog.pg_operator o
         WHERE o.oprname = w.name AND o.oprnamespace = 'pg_catalog'::pg_catalog.regnamespace AND o.oid < 16384
           AND o.oprcode <> 0 OFFSET 0) o
  )
  SELECT pg_catalog.json_build_object(
    'called', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(by_operator, name, code::pg_catalog.int8)) FROM called),
    ${FUNCTION_FACTS}
  )`);
