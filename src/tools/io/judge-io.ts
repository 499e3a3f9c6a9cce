import { changeSettings, comment, gather, type ConnectionFacts, type Finding, type NotExamined } from '../kit/index.ts';
import { morePages } from '../wal/cleaner-pages.ts';
import type { AboutIo, IoRow } from './io-row.ts';

const DOCS = 'https://www.postgresql.org/docs/current';
const VIEW = `${DOCS}/monitoring-stats.html#MONITORING-PG-STAT-IO-VIEW`;

/** A mean of fewer is an anecdote. */
const MANY = 1000;
const MANY_FSYNCS = 100;
/** What a busy server writes in minutes. */
const MUCH_PER_HOUR = 2 ** 30;

interface Thresholds {
  readonly max_read_ms: number;
  readonly max_extend_ms: number;
  readonly max_fsync_ms: number;
  readonly max_backend_write_percent: number;
}

interface Evidence {
  readonly input: Thresholds;
  readonly about: AboutIo | null;
  readonly facts: Pick<ConnectionFacts, 'service' | 'major'>;
}

export function judgeIo(rows: readonly IoRow[], { input, about, facts }: Evidence): Finding[] {
  return [
    ...judgeFsyncs(rows, facts.major),
    ...judgeWrites(rows, { input, about, facts }),
    ...gather(
      rows.flatMap((row) => slow(row, 'read', input.max_read_ms)),
      (count) => `Reads are slow in ${count} kinds of processes.`,
    ),
    ...gather(
      rows.flatMap((row) => slow(row, 'extend', input.max_extend_ms)),
      (count) => `Files grow slowly in ${count} kinds of processes.`,
    ),
    ...gather(
      rows.flatMap((row) => slow(row, 'fsync', input.max_fsync_ms)),
      (count) => `Files are synced slowly in ${count} kinds of processes.`,
    ),
  ];
}

const WRITERS: ReadonlySet<string> = new Set(['checkpointer', 'background writer']);
/** They start and recover the server, before there is a checkpointer. */
const EARLY: ReadonlySet<string> = new Set(['startup', 'standalone backend']);

function bySessions(rows: readonly IoRow[]): IoRow[] {
  return rows.filter(
    ({ backend_type, object }) => object === 'relation' && !WRITERS.has(backend_type) && !EARLY.has(backend_type),
  );
}

/** A session syncs a file itself only when it cannot hand that over: the queue is as long as there are shared buffers. */
function judgeFsyncs(rows: readonly IoRow[], major: number): Finding[] {
  const fsyncs = sum(bySessions(rows), 'fsyncs');
  if (fsyncs < MANY_FSYNCS) return [];
  return [
    {
      severity: 'warning',
      claim: `Sessions had to sync files themselves ${fsyncs} times, because the checkpointer did not keep up.`,
      evidence: { fsyncs },
      why: VIEW,
      next_step: `SELECT * FROM ${major >= 17 ? 'pg_stat_checkpointer' : 'pg_stat_bgwriter'};\n-- checkpoints that take long to sync say that the disks are slow; larger shared_buffers make the queue longer`,
    },
  ];
}

/** Before PostgreSQL 16 what sessions write is not told from the growth of files, which nobody can do for them. */
function judgeWrites(rows: readonly IoRow[], { input, about, facts }: Evidence): Finding[] {
  const ordinary = rows.filter(({ object, context }) => object === 'relation' && context === 'normal');
  const own = sum(bySessions(ordinary), 'write_size');
  const all =
    own +
    sum(
      ordinary.filter(({ backend_type }) => WRITERS.has(backend_type)),
      'write_size',
    );
  const hours = Math.max((about?.counted_s ?? 0) / 3600, 1);
  const percent = all === 0 ? 0 : Math.round((100 * own) / all);
  if (own / hours < MUCH_PER_HOUR || percent <= input.max_backend_write_percent) return [];
  const more = about && morePages(about.bgwriter_lru_maxpages);
  return [
    {
      severity: 'notice',
      claim: `Sessions write ${percent} % of the changed blocks themselves, before they can read others into shared buffers.`,
      object: '"bgwriter_lru_maxpages"',
      evidence: { write_size: own, all_write_size: all, counted_since: about?.counted_since ?? null },
      why: `${DOCS}/runtime-config-resource.html#RUNTIME-CONFIG-RESOURCE-BACKGROUND-WRITER`,
      next_step: [
        'SELECT buffers_clean, maxwritten_clean, stats_reset FROM pg_stat_bgwriter;',
        comment(
          'where the second number grows, the background writer stops too early; else larger shared_buffers help',
        ),
        ...(more === null ? [] : [changeSettings(facts.service, [{ name: 'bgwriter_lru_maxpages', value: more }])]),
      ].join('\n'),
    },
  ];
}

function sum(rows: readonly IoRow[], field: 'fsyncs' | 'write_size'): number {
  return rows.reduce((all, row) => all + (row[field] ?? 0), 0);
}

const WORDS = {
  read: { verb: 'Reading', count: 'reads', ms: 'read_ms' },
  extend: { verb: 'Growing a file', count: 'extends', ms: 'extend_ms' },
  fsync: { verb: 'Syncing a file', count: 'fsyncs', ms: 'fsync_ms' },
} as const;

function slow(row: IoRow, what: keyof typeof WORDS, maxMs: number): Finding[] {
  const { verb, count, ms } = WORDS[what];
  const [times, time] = [row[count], row[ms]];
  if (times === null || time === null || times < (what === 'fsync' ? MANY_FSYNCS : MANY)) return [];
  const mean_ms = Number((time / times).toFixed(2));
  if (mean_ms <= maxMs) return [];
  const { backend_type, object, context } = row;
  return [
    {
      severity: 'notice',
      claim: `${verb} takes ${mean_ms} ms on average in ${backend_type} (${object}, ${context}).`,
      object: `${backend_type}, ${object}, ${context}`,
      evidence: { mean_ms, [count]: times, [ms]: time },
      why: VIEW,
      next_step: comment(
        'the disks are slow or busy: iostat -x on that machine, or the figures of the volume, say which',
      ),
    },
  ];
}

/** What the version or the settings keep from being counted. */
export function notCountedIo(about: AboutIo | null, { service, major }: Evidence['facts']): NotExamined[] {
  const gaps: NotExamined[] = [];
  if (major < 16) {
    gaps.push({
      what: 'I/O by kind of process and context, growth of files, evictions',
      reason: `pg_stat_io came with PostgreSQL 16; this is ${major}.`,
      remedy: 'table_io and index_io tell reads by table and index; upgrade for the rest.',
    });
  }
  const off = (what: string, name: string): NotExamined => ({
    what,
    reason: `The setting ${name} is off: nothing measures it.`,
    remedy: changeSettings(service, [
      { name, value: 'on', note: 'pg_test_timing, run on that machine, says what it costs' },
    ]),
  });
  if (about && !about.track_io_timing) gaps.push(off('the time of reads and writes', 'track_io_timing'));
  if (about?.track_wal_io_timing === false && major >= 18)
    gaps.push(off('the time of I/O of WAL', 'track_wal_io_timing'));
  return gaps;
}
