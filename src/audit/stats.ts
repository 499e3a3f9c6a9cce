import type { Step } from '../postgres/wire.ts';
import { allConditionsOf, conditionsOf, createBindings, type AuditFilters, type Bind } from './filters.ts';
import { unreadChains } from './positions.ts';
import { COUNTED, ROLLED_UP, ROLLUP, type RolledUp } from './rollup.ts';
import type { StoreReader } from './store-reader.ts';

export const COUNTED_BY = ['total', 'hour', 'day', 'principal', 'persona', 'operation', 'server', 'outcome'] as const;
export type CountedBy = (typeof COUNTED_BY)[number];

export interface StatsRequest {
  readonly by: CountedBy;
  readonly filters: AuditFilters & { readonly since: string; readonly until: string };
  readonly limit: number;
  /** Reads the events themselves even where their counts are there. */
  readonly raw?: boolean | undefined;
}

/** The calls of one group. Durations at shares of the calls are the bound of a step of 10 %. */
export interface StatsRow {
  /** Null for calls that name none. */
  readonly key: string | null;
  readonly calls: number;
  readonly denied: number;
  /** What failed though it was allowed. */
  readonly failed: number;
  readonly rows: number;
  readonly bytes: number;
  readonly p50_ms: number | null;
  readonly p95_ms: number | null;
  readonly max_ms: number | null;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const TIME_KEY = `'YYYY-MM-DD"T"HH24:MI:SS"Z"'`;

/** Whole hours come from the rolled-up counts and what was not counted yet, the rest from the events: one snapshot. */
export async function readStats(reader: StoreReader, request: StatsRequest): Promise<StatsRow[]> {
  const rows = await reader.ask(statsStep(request));
  return rows.map(([key, ...figures]) => {
    const [calls, denied, failed, counted, bytes, p50, p95, max] = figures.map((text) => numberOf(text));
    return {
      key: key === '' || key === undefined ? null : key,
      calls: calls ?? 0,
      denied: denied ?? 0,
      failed: failed ?? 0,
      rows: counted ?? 0,
      bytes: bytes ?? 0,
      p50_ms: boundOf(p50),
      p95_ms: boundOf(p95),
      max_ms: max ?? null,
    };
  });
}

function numberOf(text: string | null): number | null {
  return text === null ? null : Number(text);
}

/** The longest that a call of this place has taken. */
function boundOf(place: number | null | undefined): number | null {
  return place === null || place === undefined ? null : Number((0.1 * 1.1 ** (place - 1)).toPrecision(3));
}

export function statsStep(request: StatsRequest): Step {
  const { by, limit } = request;
  const { bind, values } = createBindings();
  const { events, rolled } = request.raw === true ? fromEvents(request, bind) : fromBoth(request, bind);
  const isTime = by === 'hour' || by === 'day';
  const text = `
  with event as materialized (${events}),
  rolled as materialized (${rolled}),
  total as (
    select key, sum(calls) as calls, sum(denied) as denied, sum(failed) as failed, sum(rows) as rows,
           sum(bytes) as bytes, max(max_ms) as max_ms
      from (select key, count(*) as calls, count(*) filter (where denied) as denied, count(*) filter (where failed) as failed,
                   coalesce(sum(rows), 0) as rows, coalesce(sum(bytes), 0) as bytes, max(duration_ms) as max_ms
              from event group by key
            union all
            select key, sum(calls), sum(denied), sum(failed), sum(rows), sum(bytes), max(max_ms) from rolled group by key) as t
     group by key),
  placed as (
    select key, place, sum(calls) as calls
      from (select key, place, count(*) as calls from event where place is not null group by 1, 2
            union all
            select key, u.place, sum(u.calls) from rolled, unnest(places, place_calls) as u(place, calls) group by 1, 2) as p
     group by key, place),
  running as (
    select key, place, sum(calls) over (partition by key order by place) as until, sum(calls) over (partition by key) as of
      from placed),
  share as (
    select key, min(place) filter (where until >= 0.5 * of) as p50, min(place) filter (where until >= 0.95 * of) as p95
      from running group by key)
  select key, calls, denied, failed, rows, bytes, p50, p95, max_ms from total left join share using (key)
   order by ${isTime ? 'key' : 'calls desc, key'} limit ${bind(String(limit))}::bigint`;
  return { text, values };
}

/** Where rows of statistics come from; both parts have the key. */
interface Parts {
  readonly events: string;
  readonly rolled: string;
}

const NO_ROLLED = `select ''::text as key, r.* from howdah.audit_rollup r where false`;

function fromEvents({ by, filters }: StatsRequest, bind: Bind): Parts {
  return { events: selectEvents(by, allConditionsOf(filters, bind)), rolled: NO_ROLLED };
}

function fromBoth(request: StatsRequest, bind: Bind): Parts {
  const { by, filters } = request;
  const { since, until, ...narrowing } = filters;
  const counted = rolledUpBy(by, narrowing);
  const whole = wholeTimes(Date.parse(since), Date.parse(until), by);
  if (counted === undefined || whole === undefined) return fromEvents(request, bind);
  const consumer = bind(ROLLUP);
  const [sinceAt, fromAt, toAt, untilAt] = [since, whole.from, whole.to, until].map(
    (time) => `${bind(time)}::timestamptz`,
  );
  const narrowed = conditionsOf(narrowing, bind);
  const edges = [
    [`e.at >= ${sinceAt}`, `e.at < ${fromAt}`],
    [`e.at >= ${toAt}`, `e.at < ${untilAt}`],
  ].map((times) => selectEvents(by, [...times, ...narrowed]));
  const uncounted = selectEvents(
    by,
    [`e.chain = chain.chain`, 'e.sequence > chain.sequence', `e.at >= ${fromAt}`, `e.at < ${toAt}`, ...narrowed],
    `(${unreadChains(consumer)}) as chain cross join lateral (select e.*`,
  );
  const grains = whole.grains.map(({ grain, from, to }) => {
    return `(r.grain = '${grain}' and r.start >= ${bind(from)}::timestamptz and r.start < ${bind(to)}::timestamptz)`;
  });
  const value = counted.value === undefined ? '' : `and r.value = ${bind(counted.value)}`;
  const key = by === 'total' ? `''` : by === 'hour' || by === 'day' ? timeKey(by, 'r.start') : 'r.value';
  return {
    events: [...edges, uncounted].join(' union all '),
    rolled: `select ${key} as key, r.* from howdah.audit_rollup r
      where r.dimension = '${counted.dimension}' ${value} and (${grains.join(' or ')})`,
  };
}

function selectEvents(by: CountedBy, conditions: readonly string[], lateral?: string): string {
  const key = by === 'total' ? `''` : by === 'hour' || by === 'day' ? timeKey(by, 'e.at') : ROLLED_UP[by];
  const columns = `${key} as key, ${COUNTED.denied} as denied, ${COUNTED.failed} as failed, e.rows, e.bytes, e.duration_ms,
    ${COUNTED.place} as place`;
  const found = `from howdah.audit_event e where ${[...conditions, `e.kind = 'ended'`].join(' and ')}`;
  return lateral === undefined ? `select ${columns} ${found}` : `select ${columns} from ${lateral} ${found}) as e`;
}

function timeKey(unit: 'hour' | 'day', column: string): string {
  return `to_char(date_trunc('${unit}', ${column}) at time zone 'UTC', ${TIME_KEY})`;
}

interface Counts {
  readonly dimension: RolledUp;
  /** Undefined for all of them. */
  readonly value: string | undefined;
}

/** By which counts a request is answered; undefined where it narrows in a way that they do not know. */
function rolledUpBy(by: CountedBy, filters: Omit<AuditFilters, 'since' | 'until'>): Counts | undefined {
  const own = by === 'total' || by === 'hour' || by === 'day' ? '' : by;
  const [only, ...others] = Object.entries(filters).filter(([, value]) => value !== undefined);
  if (only === undefined) return { dimension: own, value: undefined };
  const found = countsOf(only[0], only[1] ?? '');
  const isKnown = others.length === 0 && found !== undefined && (own === '' || own === found.dimension);
  return isKnown ? found : undefined;
}

/** Counts have a cut value, and each outcome for itself. */
function countsOf(key: string, value: string | readonly string[]): Counts | undefined {
  const dimension = key === 'operations' ? 'operation' : key;
  const [only = '', ...others] = [value].flat();
  if (!isRolledUp(dimension) || others.length > 0) return undefined;
  return only.length <= 200 && only !== 'failed' && only !== 'denied' ? { dimension, value: only } : undefined;
}

function isRolledUp(dimension: string): dimension is RolledUp {
  return dimension !== '' && Object.hasOwn(ROLLED_UP, dimension);
}

const iso = (ms: number) => new Date(ms).toISOString();

interface WholeTimes {
  readonly from: string;
  readonly to: string;
  readonly grains: readonly { readonly grain: 'hour' | 'day'; readonly from: string; readonly to: string }[];
}

/** The whole hours of a time, and in them the whole days; undefined where there is none. */
function wholeTimes(sinceMs: number, untilMs: number, by: CountedBy): WholeTimes | undefined {
  const from = Math.ceil(sinceMs / HOUR_MS) * HOUR_MS;
  const to = Math.floor(untilMs / HOUR_MS) * HOUR_MS;
  if (from >= to) return undefined;
  const firstDay = Math.ceil(from / DAY_MS) * DAY_MS;
  const lastDay = Math.floor(to / DAY_MS) * DAY_MS;
  const hours = (a: number, b: number) => ({ grain: 'hour', from: iso(a), to: iso(b) }) as const;
  const grains =
    by === 'hour' || firstDay >= lastDay
      ? [hours(from, to)]
      : [hours(from, firstDay), { grain: 'day', from: iso(firstDay), to: iso(lastDay) } as const, hours(lastDay, to)];
  return { from: iso(from), to: iso(to), grains };
}
