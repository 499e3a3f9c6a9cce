import type { Finding } from '../kit/index.ts';
import type { Summarizer } from './wal-summaries.ts';

/** WAL is kept until it is summarized. https://www.postgresql.org/docs/current/runtime-config-wal.html#GUC-SUMMARIZE-WAL */
export function judgeSummarizer(row: Summarizer, maxUnreadSize: number): Finding[] {
  const { summarize_wal, summarizer_pid, summarized_lsn, pending_lsn, wal_lsn, unread_size, unsummarized_size } = row;
  if (!summarize_wal) return [];
  const found = {
    severity: 'warning' as const,
    object: '"summarize_wal"',
    evidence: { summarizer_pid, summarized_lsn, pending_lsn, wal_lsn, unread_size, unsummarized_size },
    why: 'https://www.postgresql.org/docs/current/runtime-config-wal.html#GUC-SUMMARIZE-WAL',
    next_step:
      "SELECT pid, wait_event_type, wait_event FROM pg_stat_activity WHERE backend_type = 'walsummarizer';\n-- no row: the log of the server says why it does not run",
  };
  if (summarizer_pid === null) {
    return [
      { ...found, claim: 'The WAL summarizer is on and does not run, so that pg_wal keeps what it has not read.' },
    ];
  }
  if ((unread_size ?? 0) <= maxUnreadSize) return [];
  return [{ ...found, claim: 'The WAL summarizer is far behind, and pg_wal keeps what it has not read.' }];
}
