import { gather, quoteIdentifier, quoteLiteral, type Finding } from '../kit/index.ts';
import type { DatabaseRow } from './database-page.ts';
import { judgeDefaultCollation } from './judge-collation.ts';
import { judgeWraparound } from './databases.ts';

/** Nearly nobody gets into it any more. */
const SATURATED_PERCENT = 95;

interface Thresholds {
  readonly max_connection_percent: number;
  readonly max_wraparound_percent: number;
}

export function judgeDatabases(
  rows: readonly DatabaseRow[],
  { max_connection_percent, max_wraparound_percent }: Thresholds,
  inRecovery = false,
): Finding[] {
  return [
    ...gather(rows.flatMap(judgeChecksums), (count) => `${count} databases have pages with wrong checksums.`),
    ...judgeWraparound(rows, max_wraparound_percent),
    ...gather(
      rows.flatMap((row) => judgeDefaultCollation(row, inRecovery)),
      (count) => `The collations of ${count} databases have changed since.`,
    ),
    ...gather(
      rows.flatMap((row) => judgeLimit(row, max_connection_percent)),
      (count) => `${count} databases are near their connection limits.`,
    ),
    ...gather(rows.flatMap(judgeInvalid), (count) => `${count} databases are half dropped.`),
  ];
}

/** What is judged of the pages of a database. */
type Pages = Pick<DatabaseRow, 'database' | 'checksum_failures' | 'last_checksum_failure'>;

export function judgeChecksums({ database, checksum_failures, last_checksum_failure }: Pages): Finding[] {
  if ((checksum_failures ?? 0) === 0) return [];
  const object = quoteIdentifier(database);
  return [
    {
      severity: 'critical',
      claim: `Pages of database ${object} were read whose checksum was wrong: there is damage on disk.`,
      object,
      evidence: { checksum_failures, last_checksum_failure },
      why: 'https://www.postgresql.org/docs/current/checksums.html',
      next_step: '-- keep a copy of the data directory and look at backups before anything else',
    },
  ];
}

export function judgeLimit(
  { database, connections, connection_limit }: Pick<DatabaseRow, 'database' | 'connections' | 'connection_limit'>,
  maxPercent: number,
): Finding[] {
  if (connection_limit === null || connection_limit === 0 || connections === null) return [];
  const percent = Math.round((100 * connections) / connection_limit);
  if (percent < maxPercent) return [];
  const object = quoteIdentifier(database);
  return [
    {
      severity: percent >= SATURATED_PERCENT ? 'critical' : 'warning',
      claim: `${percent} % of the connections that database ${object} may have are taken.`,
      object,
      evidence: { connections, connection_limit },
      why: 'https://www.postgresql.org/docs/current/sql-createdatabase.html',
      next_step: `SELECT usename, application_name, state, count(*) FROM pg_stat_activity WHERE datname = ${quoteLiteral(database)} GROUP BY 1, 2, 3 ORDER BY 4 DESC;`,
    },
  ];
}

/** https://www.postgresql.org/docs/current/catalog-pg-database.html: datconnlimit is -2 then. */
function judgeInvalid({ database, invalid, size }: DatabaseRow): Finding[] {
  if (!invalid) return [];
  const object = quoteIdentifier(database);
  return [
    {
      severity: 'notice',
      claim: `Database ${object} is half dropped, since DROP DATABASE was interrupted.`,
      object,
      evidence: { size },
      why: 'https://www.postgresql.org/docs/current/catalog-pg-database.html',
      next_step: `DROP DATABASE ${object};`,
    },
  ];
}
