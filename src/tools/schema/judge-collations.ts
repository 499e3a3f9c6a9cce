import {
  comment,
  gather,
  quoteIdentifier,
  quoteLiteral,
  quoteName,
  type Finding,
  type NotExamined,
} from '../kit/index.ts';
import { judgeDefaultCollation, ON_STANDBY } from '../server/judge-collation.ts';
import type { CollationRow } from './collation.ts';
import { writeReindex } from './reindex-by-collation.ts';

export function judgeCollations(rows: readonly CollationRow[], inRecovery: boolean): Finding[] {
  const changed = rows.filter(({ state }) => state === 'changed');
  return [
    ...changed.filter(({ kind }) => kind === 'database').flatMap((row) => judgeDatabase(row, inRecovery)),
    ...gather(
      changed
        // nothing that is stored depends on the others
        .filter(({ kind, indexes, partition_keys }) => kind === 'collation' && indexes + partition_keys > 0)
        .map((row) => judgeCollation(row, inRecovery)),
      (count) => `${count} collations have changed since their indexes were built.`,
    ),
  ];
}

/** As list_databases says it. */
function judgeDatabase(row: CollationRow, inRecovery: boolean): Finding[] {
  const { collation, provider, recorded_version, actual_version } = row;
  const versions = {
    database: collation,
    allows_connections: true,
    locale_provider: provider,
    collation_version: recorded_version,
    actual_collation_version: actual_version,
  };
  return judgeDefaultCollation(versions, inRecovery);
}

function judgeCollation(row: CollationRow, inRecovery: boolean): Finding {
  const { schema, collation, provider, recorded_version, actual_version, indexes, partition_keys } = row;
  const object = quoteName(schema ?? '', collation);
  const many = `${indexes} ${indexes === 1 ? 'index was' : 'indexes were'}`;
  return {
    severity: 'warning',
    claim:
      indexes > 0
        ? `The collation ${object} has changed since ${many} built by it: they may miss rows.`
        : `The collation ${object}, by which tables are partitioned, has changed: rows may be in the wrong partition.`,
    object,
    evidence: { provider, recorded_version, actual_version, indexes, index_size: row.index_size, partition_keys },
    why: 'https://www.postgresql.org/docs/current/sql-altercollation.html#SQL-ALTERCOLLATION-NOTES',
    next_step: inRecovery ? ON_STANDBY : rebuild(row, object),
  };
}

function rebuild({ schema, collation }: CollationRow, object: string): string {
  const oid = `(SELECT oid FROM pg_collation WHERE collname = ${quoteLiteral(collation)} AND collnamespace = ${quoteLiteral(quoteIdentifier(schema ?? ''))}::regnamespace)`;
  return [
    '-- writes the statements that rebuild the indexes beside their use; amcheck says which of them need it',
    writeReindex(oid),
    comment(`only when all of them have run, since it ends this warning: ALTER COLLATION ${object} REFRESH VERSION;`),
  ].join('\n');
}

/** A version that nobody recorded, or that the system does not tell, says nothing: not that all is well. */
export function unknownCollations(rows: readonly CollationRow[], major: number): NotExamined[] {
  return rows
    .filter(({ state, indexes, partition_keys }) => state === 'unknown' && indexes + partition_keys > 0)
    .map((row) => ({
      what: `whether ${nameOf(row)} orders as it did when ${row.indexes} ${row.indexes === 1 ? 'index was' : 'indexes were'} built`,
      ...whyUnknown(row, major),
    }));
}

function nameOf({ kind, schema, collation }: CollationRow): string {
  return kind === 'database'
    ? `the collation of database ${quoteIdentifier(collation)}`
    : `the collation ${quoteName(schema ?? '', collation)}`;
}

function whyUnknown({ kind, actual_version }: CollationRow, major: number): Pick<NotExamined, 'reason' | 'remedy'> {
  const check = 'After an upgrade of the operating system or of ICU, amcheck says which indexes are out of order.';
  if (kind === 'database' && major < 15) {
    return { reason: 'PostgreSQL records the version of the collation of a database from 15 on.', remedy: check };
  }
  return {
    reason: actual_version === null ? 'Its library does not tell its version.' : 'No version of it was recorded.',
    remedy: check,
  };
}
