import { z } from 'zod';
import type { ReachedSession } from '../../calls/reached-session.ts';
import {
  byExtensionVersion,
  definePart,
  extensionSchema,
  lockedRelations,
  param,
  sql,
  type RowOf,
  type Sql,
} from '../kit/index.ts';
import type { Heap } from './heap.ts';
import { LINE_POINTER, meanWords, PAGE_HEADER, pagesFor } from './row-layout.ts';

export const EXTENSION = 'pgstattuple';

const bytes = z.int().min(0);

/** The relation with this oid, unless it is gone or somebody's exclusive lock would have us wait. */
export const unlocked = sql`(
          select c.oid
            from pg_catalog.pg_class c
           where c.oid = ${param('oid')}::oid and c.oid not in (select l.oid from (${lockedRelations}) l)
        ) e`;

/** https://www.postgresql.org/docs/current/pgstattuple.html */
function tuplesOf(call: Sql, columns: Sql): Sql {
  return sql`
      select t.table_len as size, ${columns}, t.dead_tuple_len as dead
        from ${unlocked}
       cross join lateral ${extensionSchema(EXTENSION)}.${call}(e.oid::regclass) t`;
}

const row = { size: bytes, rows: bytes, live: bytes, free: bytes, dead: bytes };

/** Reads every page. */
export const exactTuples = definePart({
  what: 'live, dead and free space of a table',
  row,
  sql: byExtensionVersion(EXTENSION, {
    '1.3': tuplesOf(sql`pgstattuple`, sql`t.tuple_count as rows, t.tuple_len as live, t.free_space as free`),
  }),
});

/** Reads the pages that VACUUM did not find all visible, and for the others the map of free space. */
export const approximateTuples = definePart({
  what: 'live, dead and free space of a table, about',
  row,
  sql: byExtensionVersion(EXTENSION, {
    '1.3': tuplesOf(
      sql`pgstattuple_approx`,
      sql`t.approx_tuple_count::bigint as rows, t.approx_tuple_len::bigint as live, t.approx_free_space::bigint as free`,
    ),
  }),
});
type Tuples = RowOf<typeof exactTuples>;

export type Method = 'approximate' | 'exact';

export interface MeasuredHeap {
  readonly method: Method;
  readonly size: number;
  readonly wasted: number;
  readonly toast_size?: number;
  readonly toast_wasted?: number;
}

/** With its TOAST, of which pgstattuple_approx() knows nothing before PostgreSQL 14. */
export async function measureHeap(
  session: ReachedSession,
  heap: Heap,
  method: Method,
): Promise<MeasuredHeap | undefined> {
  const [table] = await PARTS[method].read(session, { oid: heap.oid });
  if (!table) return undefined;
  const found = { method, size: table.size, wasted: WASTED[method].table(table, heap) };
  if (heap.toast_oid === null || (method === 'approximate' && session.facts.major < 14)) return found;
  const [toast] = await PARTS[method].read(session, { oid: heap.toast_oid });
  return toast && { ...found, toast_size: toast.size, toast_wasted: WASTED[method].toast(toast, heap.block_size) };
}

const PARTS = { exact: exactTuples, approximate: approximateTuples };
const WASTED = {
  exact: { table: wastedOf, toast: wastedOfToast },
  approximate: { table: aboutWasted, toast: (tuples: Tuples) => aboutWasted(tuples, { fillfactor: 100 }) },
};

type Pages = Pick<Heap, 'block_size' | 'fillfactor'>;

/** What its live rows would not take if they were written anew. */
export function wastedOf({ size, rows, live }: Tuples, page: Pages): number {
  const needed = rows === 0 ? 0 : pagesFor(rows, meanWords(live, rows), page) * page.block_size;
  return Math.max(size - needed, 0);
}

/** Full chunks are alike, and smaller ones fill what they leave. */
export function wastedOfToast({ size, rows, live }: Tuples, blockSize: number): number {
  const each = rows === 0 ? 0 : meanWords(live, rows) + LINE_POINTER;
  return Math.max(size - Math.ceil((rows * each) / (blockSize - PAGE_HEADER)) * blockSize, 0);
}

/** Of pages that were not read, headers count among what lives. */
export function aboutWasted({ size, free, dead }: Tuples, { fillfactor }: Pick<Pages, 'fillfactor'>): number {
  return Math.max(Math.round(size - (size - free - dead) / (fillfactor / 100)), 0);
}
