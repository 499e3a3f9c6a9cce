import { lookAt } from '../activity/ending.ts';
import {
  changeSettings,
  comment,
  gather,
  quoteIdentifier,
  quoteLiteral,
  type ConnectionFacts,
  type Finding,
  type NotExamined,
} from '../kit/index.ts';
import type { LiveFiles, SpilledDatabase, TemporarySetting } from './temporary-row.ts';

const DOCS = 'https://www.postgresql.org/docs/current';

/** What a crash left and nobody misses. */
const MUCH_LEFT_BYTES = 100 * 1024 * 1024;

interface Thresholds {
  readonly max_size_per_hour: number;
  readonly max_session_size: number;
}

interface Temporary {
  readonly live: readonly LiveFiles[];
  readonly databases: readonly SpilledDatabase[];
  readonly settings: readonly TemporarySetting[];
}

export function judgeTemporary(
  { live, databases, settings }: Temporary,
  input: Thresholds,
  service: ConnectionFacts['service'],
): Finding[] {
  const large = [...judgeSessions(live, input.max_session_size), ...judgeSpilling(databases, input.max_size_per_hour)];
  return [...large, ...(large.length > 0 ? judgeLimit(settings, service) : []), ...judgeLeft(live)];
}

function judgeSessions(live: readonly LiveFiles[], maxSize: number): Finding[] {
  const sizes = new Map<number, { size: number; row: LiveFiles }>();
  for (const row of live) {
    if (row.pid === null || !row.is_running) continue;
    sizes.set(row.pid, { row, size: (sizes.get(row.pid)?.size ?? 0) + row.size });
  }
  const large = [...sizes].filter(([, { size }]) => size >= maxSize);
  return gather(
    large.map(([pid, { size, row }]) => ({
      severity: 'warning' as const,
      claim: `Session ${pid} has ${inWords(size)} of temporary files.`,
      object: `pid ${pid}`,
      evidence: { size, database: row.database, user: row.user, statement_s: row.statement_s },
      why: `${DOCS}/runtime-config-resource.html#GUC-TEMP-FILE-LIMIT`,
      next_step: `${lookAt([{ pid }])}\n${comment(`SELECT pg_cancel_backend(${pid}); ends its statement, and the files with it`)}`,
    })),
    (count) => `${count} sessions have large temporary files.`,
    lookAt(large.map(([pid]) => ({ pid }))),
  );
}

/** What is judged of a database. */
type Spilling = Pick<SpilledDatabase, 'database' | 'temp_files' | 'temp_size' | 'size_per_hour' | 'counted_since'>;

export function judgeSpilling(rows: readonly Spilling[], maxPerHour: number): Finding[] {
  return gather(
    rows
      .filter(({ size_per_hour }) => (size_per_hour ?? 0) >= maxPerHour)
      .map(({ database, temp_files, temp_size, size_per_hour, counted_since }) => ({
        severity: 'notice' as const,
        claim: `Sessions of database ${quoteIdentifier(database)} write ${inWords(size_per_hour ?? 0)} of temporary files an hour.`,
        object: quoteIdentifier(database),
        evidence: { size_per_hour, temp_size, temp_files, counted_since },
        why: `${DOCS}/runtime-config-resource.html#GUC-WORK-MEM`,
        next_step: [
          comment(
            'in a database that has pg_stat_statements: which statements; more work_mem for their roles keeps them in memory',
          ),
          `SELECT queryid, calls, temp_blks_written, query FROM pg_stat_statements WHERE dbid = (SELECT oid FROM pg_database WHERE datname = ${quoteLiteral(database)}) ORDER BY temp_blks_written DESC LIMIT 10;`,
        ].join('\n'),
      })),
    (count) => `Sessions of ${count} databases write many temporary files.`,
  );
}

/** That nothing limits them is how PostgreSQL comes, and worth a word only where they are large. */
function judgeLimit(settings: readonly TemporarySetting[], service: ConnectionFacts['service']): Finding[] {
  const limit = settings.find(({ name }) => name === 'temp_file_limit');
  if (limit?.value !== '-1') return [];
  return [
    {
      severity: 'notice',
      claim: 'Nothing limits temporary files: one session can fill the disk.',
      object: '"temp_file_limit"',
      evidence: { temp_file_limit: -1 },
      why: `${DOCS}/runtime-config-resource.html#GUC-TEMP-FILE-LIMIT`,
      next_step: changeSettings(service, [
        { name: 'temp_file_limit', value: "'50GB'", note: 'of each process; less than the disk has free' },
      ]),
    },
  ];
}

function judgeLeft(live: readonly LiveFiles[]): Finding[] {
  const left = live.filter(({ is_running }) => !is_running);
  const size = left.reduce((sum, row) => sum + row.size, 0);
  if (size < MUCH_LEFT_BYTES) return [];
  return [
    {
      severity: 'notice',
      claim: `${inWords(size)} of temporary files belong to no session: a crash left them.`,
      evidence: { size, files: left.reduce((sum, { files }) => sum + files, 0) },
      why: `${DOCS}/runtime-config-developer.html#GUC-REMOVE-TEMP-FILES-AFTER-CRASH`,
      next_step: comment('the next start of the server removes them'),
    },
  ];
}

function inWords(size: number): string {
  return size < 2 ** 30 ? `${Math.round(size / 2 ** 20)} MiB` : `${(size / 2 ** 30).toFixed(1)} GiB`;
}

/** What the list of files leaves out. */
export function unlisted({
  parallelWorkers,
  settings,
}: {
  parallelWorkers: number;
  settings: readonly TemporarySetting[];
}): NotExamined[] {
  const own = settings.filter(({ value }) => value === null).map(({ name }) => name);
  return [
    ...(parallelWorkers === 0
      ? []
      : [
          {
            what: 'temporary files that parallel workers share',
            reason: `${parallelWorkers} ${parallelWorkers === 1 ? 'runs' : 'run'} now; such files are in directories that PostgreSQL does not list.`,
          },
        ]),
    ...(own.length === 0
      ? []
      : [{ what: `${own.join(', ')} of other roles`, reason: 'This login has a value of its own.' }]),
  ];
}
