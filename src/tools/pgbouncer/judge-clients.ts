import { comment, gather, quoteIdentifier, type Finding } from '../kit/index.ts';
import type { HoldingRow, WaitingRow } from './client-row.ts';
import { largest } from './groups.ts';

interface Thresholds {
  readonly max_wait_s: number;
  readonly max_silent_s: number;
}

interface Sides {
  readonly waiting: readonly WaitingRow[];
  readonly holding: readonly HoldingRow[];
}

/** Who keeps a server connection without using it, while others wait for one. */
export function judgeClients({ waiting, holding }: Sides, { max_wait_s, max_silent_s }: Thresholds): Finding[] {
  const findings = holding.flatMap((row) => {
    const kept = waiting.filter((each) => isOfSame(each, row) && (each.wait_s ?? 0) > max_wait_s);
    const isIdle = row.statement_s === null && (row.silent_s ?? 0) > max_silent_s;
    return isIdle && kept.length > 0 ? [judgeHolder(row, kept)] : [];
  });
  return gather(findings, (count) => `${count} clients hold server connections without using them, while others wait.`);
}

function isOfSame(a: WaitingRow, b: HoldingRow): boolean {
  return a.pooler === b.pooler && a.database === b.database;
}

function judgeHolder(row: HoldingRow, kept: readonly WaitingRow[]): Finding {
  const { pooler, database, user, application, client_address, server_pid, silent_s } = row;
  const name = quoteIdentifier(database ?? '');
  const longest_wait_s = largest(kept.map(({ wait_s }) => wait_s));
  return {
    severity: 'warning',
    claim: `A client holds a server connection of ${name} and has asked nothing for ${silent_s} s, while ${kept.length} ${kept.length === 1 ? 'other waits' : 'others wait'}.`,
    ...(server_pid !== null && { object: `pid ${server_pid}` }),
    evidence: { pooler, user, application, client_address, silent_s, waiting: kept.length, longest_wait_s },
    why: 'https://www.pgbouncer.org/config.html#pool_mode',
    next_step: [
      server_pid === null
        ? 'SHOW SERVERS; -- on the console'
        : `SELECT usename, application_name, state, xact_start, state_change, query FROM pg_stat_activity WHERE pid = ${server_pid};`,
      comment(
        'idle in transaction: end it in the application, or set idle_transaction_timeout of PgBouncer; idle in a pool of sessions: pool_mode = transaction gives it to others, if the application keeps nothing in its session',
      ),
    ].join('\n'),
  };
}
