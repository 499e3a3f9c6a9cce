import { gather, quoteName, type Finding } from '../kit/index.ts';
import type { AgedTable } from './aged.ts';

/** Autovacuum comes at 100 % of the limit, and not to these. */
const BEHIND_PERCENT = 100;

type Temporary = Pick<
  AgedTable,
  'schema' | 'table' | 'part' | 'temporary' | 'xid_age' | 'xid_percent' | 'mxid_age' | 'mxid_percent'
>;

/** https://www.postgresql.org/docs/current/sql-createtable.html: autovacuum cannot reach temporary tables. */
export function judgeTemporary(rows: readonly Temporary[]): Finding[] {
  const old = rows.filter(
    ({ temporary, xid_percent, mxid_percent }) =>
      temporary && Math.max(xid_percent ?? 0, mxid_percent ?? 0) > BEHIND_PERCENT,
  );
  return gather(old.map(judge), (count) => `${count} temporary tables keep the whole database from being frozen.`);
}

function judge({ schema, table, part, xid_age, xid_percent, mxid_age, mxid_percent }: Temporary): Finding {
  const object = quoteName(schema, table);
  return {
    severity: 'warning',
    claim: `The temporary table ${object}${part === 'toast' ? ' (its TOAST)' : ''} keeps the whole database from being frozen: only its own session can vacuum it.`,
    object,
    evidence: { xid_age, xid_percent, mxid_age, mxid_percent },
    why: 'https://www.postgresql.org/docs/current/routine-vacuuming.html#VACUUM-FOR-WRAPAROUND',
    next_step:
      '-- its session is an old one; the table goes with it\nSELECT pid, usename, application_name, backend_start, state FROM pg_stat_activity WHERE datname = current_database() ORDER BY backend_start LIMIT 10;',
  };
}
