import { comment, quoteIdentifier, type Finding } from '../kit/index.ts';
import { writeReindex } from '../schema/reindex-by-collation.ts';
import type { DatabaseRow } from './database-page.ts';

/** REINDEX DATABASE would lock out the writers of one table after the other. */
const WRITE_REINDEX = [
  '-- in that database: writes the statements that rebuild the indexes in question beside their use; amcheck says which of them need it',
  writeReindex(`'pg_catalog."default"'::regcollation::oid`),
].join('\n');

/** The indexes are those of the primary, and a standby orders by its own libraries. */
export const ON_STANDBY =
  '-- the primary orders as its own libraries do: give this standby the version that the primary has, or query no text by index here';

type Versions = Pick<
  DatabaseRow,
  'database' | 'allows_connections' | 'locale_provider' | 'collation_version' | 'actual_collation_version'
>;

/** Indexes over text keep the order of the version that they were built with, and then miss rows. */
export function judgeDefaultCollation(row: Versions, inRecovery: boolean): Finding[] {
  const { database, allows_connections, locale_provider, collation_version, actual_collation_version } = row;
  if (collation_version === null || actual_collation_version === null) return [];
  if (collation_version === actual_collation_version) return [];
  const object = quoteIdentifier(database);
  const refresh = `ALTER DATABASE ${object} REFRESH COLLATION VERSION;`;
  const rebuild = allows_connections
    ? `${WRITE_REINDEX}\n${comment(`only when all of them have run, since it ends this warning: ${refresh}`)}`
    : refresh;
  return [
    {
      // nobody can connect to make anything but a copy of it
      severity: allows_connections ? 'warning' : 'notice',
      claim: `The collation of database ${object} has changed since its indexes were built; those over text may miss rows.`,
      object,
      evidence: { locale_provider, collation_version, actual_collation_version },
      why: 'https://www.postgresql.org/docs/current/sql-alterdatabase.html',
      next_step: inRecovery ? ON_STANDBY : rebuild,
    },
  ];
}
