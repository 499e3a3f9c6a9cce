import { changeSettings, comment, type ConnectionFacts, type Finding } from '../kit/index.ts';
import type { Conflicts } from './position.ts';

/** A standby that serves queries cancels a few. */
const A_FEW = 10;

type Kind = Exclude<keyof Conflicts, 'database'>;

/** Why replay and a query get into each other's way: https://www.postgresql.org/docs/current/hot-standby.html#HOT-STANDBY-CONFLICT */
const KINDS: Readonly<Record<Kind, string>> = {
  snapshot: 'snapshot: VACUUM on the primary removed rows that a query here could still see',
  lock: 'lock: DDL, TRUNCATE or VACUUM on the primary locked a table that a query here read',
  buffer_pin: 'buffer_pin: replay had to clean up a page that a query here was reading',
  deadlock: 'deadlock: replay and a query here waited for each other',
  tablespace: 'tablespace: one was dropped in which a query here had temporary files',
  logical_slot:
    'logical_slot: the primary removed rows that a logical slot here needed; its standby needs a slot there, and hot_standby_feedback here',
};

/** What decides whether the query or replay gives way. */
interface Standby {
  readonly hot_standby_feedback: boolean;
  readonly service: ConnectionFacts['service'];
}

/** Of a standby; the counters of a primary are from the days when it was one. */
export function judgeConflicts(rows: readonly Conflicts[], standby: Standby): Finding[] {
  const kinds = Object.keys(KINDS) as Kind[];
  const counts = kinds.map((kind) => ({ kind, count: rows.reduce((sum, row) => sum + (row[kind] ?? 0), 0) }));
  const total = counts.reduce((sum, { count }) => sum + count, 0);
  if (total < A_FEW) return [];
  const { hot_standby_feedback } = standby;
  return [
    {
      severity: 'notice',
      claim: `Replay has cancelled ${total} queries on this standby since statistics were reset.`,
      evidence: { ...Object.fromEntries(counts.map(({ kind, count }) => [kind, count])), hot_standby_feedback },
      why: 'https://www.postgresql.org/docs/current/hot-standby.html#HOT-STANDBY-CONFLICT',
      next_step: advise(
        counts.filter(({ count }) => count > 0).map(({ kind }) => kind),
        standby,
      ),
    },
  ];
}

/** Each way costs somebody something, so that the choice is left to the reader. */
function advise(kinds: readonly Kind[], { hot_standby_feedback, service }: Standby): string {
  const feedback = kinds.includes('snapshot') && !hot_standby_feedback;
  return [
    `SELECT name, setting, unit FROM pg_settings WHERE name IN ('hot_standby_feedback', 'max_standby_streaming_delay', 'max_standby_archive_delay');`,
    ...kinds.map((kind) => comment(KINDS[kind])),
    ...(feedback
      ? [
          comment('to keep such rows, at the price of bloat on the primary while a query runs here:'),
          ...commented(changeSettings(service, [{ name: 'hot_standby_feedback', value: 'on' }])),
        ]
      : []),
    comment('to give queries more time, at the price of replay that lags by as much:'),
    ...commented(changeSettings(service, [{ name: 'max_standby_streaming_delay', value: "'5min'" }])),
  ].join('\n');
}

function commented(step: string): string[] {
  return step.split('\n').map((line) => (line.startsWith('--') ? line : comment(line)));
}
