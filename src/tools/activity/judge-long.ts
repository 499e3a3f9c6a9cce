import { comment, type Finding } from '../kit/index.ts';
import { endSession, lookAt } from './ending.ts';
import type { SessionRow } from './session-row.ts';

type LongTransaction = Pick<SessionRow, 'pid' | 'state' | 'transaction_s' | 'backend_start' | 'statement'>;

/** What takes long by nature, and starts from the beginning or leaves something behind when it is cancelled. */
const MAINTENANCE =
  /^\s*(?:VACUUM|ANALYZE|CLUSTER|REPACK|REINDEX|COPY|CREATE\s+(?:UNIQUE\s+)?INDEX|REFRESH\s+MATERIALIZED|ALTER\s+(?:TABLE|INDEX))\b/i;

/** Of a client; what is not known of it is null. It may be meant to take long: nobody cancels it unseen. */
export function judgeLong(row: LongTransaction, evidence: Finding['evidence']): Finding {
  const { pid, transaction_s } = row;
  return {
    severity: 'warning',
    claim: `Session ${pid} has had its transaction open for ${Math.round(transaction_s ?? 0)} s.`,
    object: `pid ${pid}`,
    evidence,
    why: 'https://www.postgresql.org/docs/current/routine-vacuuming.html#VACUUM-FOR-SPACE-RECOVERY',
    next_step: `${lookAt([row])}${whatThen(row)}`,
  };
}

function whatThen(row: LongTransaction): string {
  if (row.state === null || row.backend_start === null) return '';
  if (row.state === 'active' && MAINTENANCE.test(row.statement ?? ''))
    return '\n-- maintenance or a copy of data: command_progress tells how far it is; cancelled, its work is lost';
  const end = endSession({ ...row, backend_type: 'client backend' });
  return `\n${comment(`if nobody needs what it does, such as a dump or a report: ${end}`)}`;
}
