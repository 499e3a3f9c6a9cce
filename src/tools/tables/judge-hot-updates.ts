import {
  comment,
  gather,
  quoteLiteral,
  quoteName,
  type AboutCounting,
  type Finding,
  type NotExamined,
} from '../kit/index.ts';
import type { HotRow } from './hot-row.ts';

export const UPDATED_ON_PRIMARY: NotExamined = {
  what: 'updates',
  reason: 'This server is a standby, and only its primary counts what is written.',
  remedy: 'Ask the primary.',
};

/** A single change of every row is no habit: each row was updated more often than once. */
const UPDATES_PER_ROW = 2;
/** Or updates have gone on for a day at such a rate, whatever the size of the table. */
const LASTING = { perSecond: 10, seconds: 24 * 3600 };

interface Evidence {
  readonly input: { readonly min_hot_percent: number; readonly min_updates: number };
  readonly about: AboutCounting | null;
}

export function judgeHotUpdates(rows: readonly HotRow[], { input, about }: Evidence): Finding[] {
  const poor = rows.filter(
    (row) =>
      row.indexes > 0 &&
      row.n_tup_upd >= input.min_updates &&
      (row.hot_percent ?? 100) < input.min_hot_percent &&
      isHabit(row, about),
  );
  return gather(poor.map(judge), (count) => `In ${count} tables most updates are written to every index.`);
}

function isHabit({ n_tup_upd, n_live_tup, updates_per_s }: HotRow, about: AboutCounting | null): boolean {
  if (n_tup_upd >= UPDATES_PER_ROW * n_live_tup) return true;
  return (updates_per_s ?? 0) >= LASTING.perSecond && (about?.counted_s ?? 0) >= LASTING.seconds;
}

type Cause = 'no room' | 'indexed column' | 'unknown';

function causeOf({ newpage_percent, indexed_percent }: HotRow): Cause {
  if (newpage_percent === null || indexed_percent === null) return 'unknown';
  return newpage_percent >= indexed_percent ? 'no room' : 'indexed column';
}

const CAUSES: Readonly<Record<Cause, string>> = {
  'no room': ', mostly for want of room on the page of the old row',
  'indexed column': ', mostly since they change a column that is in an index',
  unknown: '',
};

function judge(row: HotRow): Finding {
  const { schema, table, n_tup_upd, hot_percent, newpage_percent, indexed_percent, fillfactor, indexes } = row;
  const object = quoteName(schema, table);
  return {
    severity: 'notice',
    claim: `Only ${hot_percent} % of the updates of ${object} are HOT; the others are written to each of its ${indexes} indexes${CAUSES[causeOf(row)]}.`,
    object,
    evidence: {
      n_tup_upd,
      hot_percent,
      newpage_percent,
      indexed_percent,
      fillfactor,
      indexes,
      updates_per_s: row.updates_per_s,
    },
    why: 'https://www.postgresql.org/docs/current/storage-hot.html',
    next_step: STEPS[causeOf(row)](row, object),
  };
}

/** Lower than this, most of each page is left empty for reads to pass over. */
const LEAST_FILLFACTOR = 70;

const STEPS: Readonly<Record<Cause, (row: HotRow, object: string) => string>> = {
  'no room': (row, object) => (row.fillfactor > LEAST_FILLFACTOR ? leaveRoom(row, object) : LOOK_FOR_OLD_SNAPSHOTS),
  'indexed column': lookAtIndexes,
  unknown: (row, object) =>
    [
      lookAtIndexes(row, object),
      ...(row.fillfactor > LEAST_FILLFACTOR
        ? [comment(`when updates change no column of these, pages want room: ${leaveRoom(row, object)}`)]
        : []),
    ].join('\n'),
};

const LOOK_FOR_OLD_SNAPSHOTS = '-- there is room enough once dead rows may go: xmin_holders tells what keeps them';

function leaveRoom({ fillfactor }: HotRow, object: string): string {
  return `ALTER TABLE ${object} SET (fillfactor = ${Math.max(fillfactor - 10, LEAST_FILLFACTOR)}); -- for pages that are written from now on`;
}

function lookAtIndexes({ schema, unscanned_indexes }: HotRow, object: string): string {
  const spare = unscanned_indexes.map((index) => quoteName(schema, index)).join(', ');
  return [
    '-- an index that holds a column which updates change is in their way',
    `SELECT indexrelid::regclass, pg_stat_get_numscans(indexrelid), pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = ${quoteLiteral(object)}::regclass;`,
    ...(spare === '' ? [] : [comment(`never scanned, and for unused_indexes to judge: ${spare}`)]),
  ].join('\n');
}
