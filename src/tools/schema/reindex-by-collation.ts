/**
 * A statement that writes those which rebuild what is ordered by a collation, of which `oid` is an expression. Left out
 * are indexes that compare bytes: those of the pattern operator classes, and hash indexes of a deterministic collation.
 */
export function writeReindex(oid: string): string {
  const keys = `EXISTS (SELECT FROM unnest(i.indcollation, i.indclass) k (collid, class) JOIN pg_opclass o ON o.oid = k.class JOIN pg_collation l ON l.oid = k.collid JOIN pg_am a ON a.oid = o.opcmethod WHERE k.collid = ${oid} AND right(o.opcname, 12) <> '_pattern_ops' AND (a.amname <> 'hash' OR NOT l.collisdeterministic))`;
  // on the default of the database, which is pinned, nothing depends: an expression names it
  const expressions = `concat(i.indexprs, i.indpred) ~ concat(':inputcollid ', ${oid}, '\\M')`;
  const depends = `(concat(i.indexprs, i.indpred) <> '' AND EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.refclassid = 'pg_collation'::regclass AND d.refobjid = ${oid}))`;
  const text = `CASE WHEN i.indisexclusion THEN '-- locks out reads and writes until it is built, as exclusion constraints have no other way: REINDEX INDEX %s;' ELSE 'REINDEX INDEX CONCURRENTLY %s;' END`;
  return `SELECT format(${text}, c.oid::regclass) FROM pg_class c JOIN pg_index i ON i.indexrelid = c.oid WHERE c.relkind = 'i' AND c.relpersistence <> 't' AND (${keys} OR ${expressions} OR ${depends});`;
}
