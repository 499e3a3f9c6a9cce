import { comment, quoteLiteral, type Finding } from '../kit/index.ts';
import { hotSpotOf, type HotSpot } from './hot-spots.ts';
import type { WaitProfile } from './wait-profile.ts';

interface Thresholds {
  readonly dominating_percent: number;
  readonly hot_percent: number;
  readonly min_average: number;
}

type Row = WaitProfile['rows'][number];

/** Waits of a whole type; events that mean something of their own are not among them. */
const TYPES: readonly (HotSpot & { readonly type: string })[] = [
  {
    type: 'Lock',
    severity: 'warning',
    means: 'waited for locks of others',
    why: 'https://www.postgresql.org/docs/current/explicit-locking.html',
    look: 'blocking_tree tells who blocks whom',
  },
  {
    type: 'LWLock',
    severity: 'warning',
    means: 'waited for internal locks of the server',
    why: 'https://www.postgresql.org/docs/current/monitoring-stats.html#WAIT-EVENT-LWLOCK-TABLE',
    look: 'which of them says what they contend for',
  },
  {
    type: 'IO',
    severity: 'notice',
    means: 'waited for files to be read or written',
    why: 'https://www.postgresql.org/docs/current/monitoring-stats.html#WAIT-EVENT-IO-TABLE',
    look: 'DataFile events are tables and indexes, BufFile ones temporary files, which work_mem bounds',
  },
  {
    type: 'Client',
    severity: 'notice',
    means: 'waited for their clients in the middle of a statement',
    why: 'https://www.postgresql.org/docs/current/monitoring-stats.html#WAIT-EVENT-CLIENT-TABLE',
    look: 'ClientWrite: they take results slowly, and more rows than they need; ClientRead: they send slowly',
  },
];

/** What sessions of clients were kept from their work by, where it was more than a few of them. */
export function judgeWaits(
  { rows, average_active }: Pick<WaitProfile, 'rows' | 'average_active'>,
  { dominating_percent, hot_percent, min_average }: Thresholds,
): Finding[] {
  const exceeds = (waits: readonly Row[], most: number) =>
    sum(waits, 'average') >= min_average && sum(waits, 'percent') >= most;
  const special = rows.filter((row) => spotOf(row) !== undefined);
  const spots = new Set(special.flatMap((row) => spotOf(row) ?? []));
  return [
    ...TYPES.flatMap(({ type, ...spot }) => {
      const waits = rows.filter((row) => row.wait_event_type === type && !special.includes(row));
      return exceeds(waits, dominating_percent) ? [describe(waits, spot, average_active)] : [];
    }),
    ...[...spots].flatMap((spot) => {
      const waits = special.filter((row) => spotOf(row) === spot);
      return exceeds(waits, hot_percent) ? [describe(waits, spot, average_active)] : [];
    }),
  ];
}

function spotOf({ wait_event_type, wait_event }: Row): HotSpot | undefined {
  return wait_event_type === null ? undefined : hotSpotOf(wait_event_type, wait_event ?? '');
}

function describe(waits: readonly Row[], spot: HotSpot, average_active: number): Finding {
  const [first] = waits;
  const percent = round(sum(waits, 'percent'));
  const average = round(sum(waits, 'average'));
  // which asks the lock table, and takes all of it
  const blockers = first?.wait_event_type === 'Lock' ? 'pg_blocking_pids(pid) AS blocked_by, ' : '';
  return {
    severity: spot.severity,
    claim: `On average ${average} ${average === 1 ? 'session' : 'sessions'} ${spot.means}: ${percent} % of all work.`,
    evidence: {
      average,
      percent,
      average_active,
      most: first ? `${first.wait_event_type}: ${first.wait_event}` : null,
    },
    why: spot.why,
    next_step: [
      `SELECT pid, usename, datname, wait_event, ${blockers}query FROM pg_stat_activity WHERE wait_event_type = ${quoteLiteral(first?.wait_event_type ?? '')};`,
      comment(spot.look),
    ].join('\n'),
  };
}

function sum(waits: readonly Row[], field: 'average' | 'percent'): number {
  return waits.reduce((total, row) => total + (row[field] ?? 0), 0);
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
