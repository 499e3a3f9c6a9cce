import { quoteIdentifier, type Finding, type RowOf } from '../kit/index.ts';
import { judgeArchiver, type archiver } from '../server/replication.ts';
import type { ArchiveBacklog, archiveProgress } from './archiving.ts';

const DOCS = 'https://www.postgresql.org/docs/current/continuous-archiving.html#BACKUP-ARCHIVING-WAL';
const LOOK = 'SELECT * FROM pg_stat_archiver;';
const WAITING =
  "SELECT name, modification FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready' ORDER BY modification LIMIT 10;";

export interface ArchiveLimits {
  readonly max_waiting_size: number;
  readonly max_waiting_s: number;
}

type Archiver = RowOf<typeof archiver> & RowOf<typeof archiveProgress>;

/** Of several things that are wrong, what causes the others. */
export function judgeArchiving(
  row: Archiver | undefined,
  backlog: ArchiveBacklog | undefined,
  limits: ArchiveLimits,
): Finding[] {
  const known = judgeArchiver(row);
  if (known.length > 0 || !row?.expected || row.by === null || !backlog) return known;
  return judgeBacklog(row, row.by, backlog, limits);
}

/** Nothing fails, and yet segments wait: the attempt hangs, or each takes longer than a segment takes to fill. */
function judgeBacklog(row: Archiver, by: string, backlog: ArchiveBacklog, limits: ArchiveLimits): Finding[] {
  const { waiting, waiting_size, oldest_waiting_wal, oldest_waiting_s } = backlog;
  const { archived, last_archived_at, last_archived_s } = row;
  const found = {
    severity: 'warning' as const,
    object: quoteIdentifier(by),
    evidence: { waiting, waiting_size, oldest_waiting_wal, oldest_waiting_s, archived, last_archived_at },
    why: DOCS,
  };
  const still = (since: number | null) => (since ?? Infinity) > limits.max_waiting_s;
  if (waiting > 0 && still(oldest_waiting_s) && still(last_archived_s)) {
    return [
      {
        ...found,
        claim: `${waiting} ${waiting === 1 ? 'file waits' : 'files wait'} to be archived, the oldest for ${Math.round((oldest_waiting_s ?? 0) / 60)} min, and nothing is: the attempt hangs.`,
        next_step: `${LOOK}\n-- on the machine of the server: what the child of its archiver process waits for`,
      },
    ];
  }
  if ((waiting_size ?? 0) <= limits.max_waiting_size) return [];
  return [
    {
      ...found,
      claim: `${waiting} files wait to be archived: archiving does not keep up, and what waits would be missing after a loss of this server.`,
      next_step: `${WAITING}\n${LOOK}\n-- look again in a minute: more that wait, and the archive is slower than WAL is written`,
    },
  ];
}
