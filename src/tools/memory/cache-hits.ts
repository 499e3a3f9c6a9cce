import { z } from 'zod';
import type { CallContext, ReachedDatabase } from '../../calls/context.ts';
import { byServerVersion, definePart, pause, readParts, sql, type NotExamined, type RowOf } from '../kit/index.ts';

const count = z.int().min(0);
const percent = z.number().nullable().meta({ unit: 'percent' });
const bytes = z.int().min(0).meta({ unit: 'bytes' });

/** https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-DATABASE-VIEW */
export const databaseReads = definePart({
  what: 'cache hits of the database',
  row: { hit: count, read: count, counted_since: z.iso.datetime().nullable(), at: z.number(), block_size: count },
  sql: byServerVersion({
    12: sql`
      select s.blks_hit as hit, s.blks_read as read, s.stats_reset as counted_since,
             extract(epoch from pg_catalog.clock_timestamp()) as at, pg_catalog.current_setting('block_size')::bigint as block_size
        from pg_catalog.pg_stat_database s
       where s.datname = pg_catalog.current_database()`,
  }),
});
type DatabaseReads = RowOf<typeof databaseReads>;

/** With its indexes and its TOAST table, of which it may have none. */
export const tableReads = definePart({
  what: 'cache hits by table',
  row: {
    oid: count,
    schema: z.string().meta({ names: 'schema' }),
    table: z.string().meta({ names: 'table' }),
    hit: count,
    read: count,
  },
  sql: byServerVersion({
    12: sql`
      select t.oid, t.schema, t.table, t.hit, t.read
        from (
          select s.relid::bigint as oid, s.schemaname as schema, s.relname as table,
                 coalesce(s.heap_blks_hit, 0) + coalesce(s.idx_blks_hit, 0) + coalesce(s.toast_blks_hit, 0) + coalesce(s.tidx_blks_hit, 0) as hit,
                 coalesce(s.heap_blks_read, 0) + coalesce(s.idx_blks_read, 0) + coalesce(s.toast_blks_read, 0) + coalesce(s.tidx_blks_read, 0) as read
            from pg_catalog.pg_statio_all_tables s
           where s.schemaname !~ '^pg_toast'
        ) t
       where t.hit + t.read > 0`,
  }),
});
type TableReads = RowOf<typeof tableReads>;

/** What was asked of the cache, and what it had. */
export const cacheHits = {
  seconds: z.number().nullable().meta({ unit: 's' }).describe('Between two looks; null for all since counted_since.'),
  counted_since: z.iso.datetime().nullable().describe('Null since the server was made.'),
  hit: count,
  read: count.describe('Blocks that the operating system was asked for.'),
  hit_percent: percent,
  read_size: bytes,
};
export const tableHits = {
  schema: z.string().meta({ names: 'schema' }),
  table: z.string().meta({ names: 'table' }),
  read_size: bytes,
  hit_percent: percent,
};

export interface ReadHits {
  readonly hits: z.output<z.ZodObject<typeof cacheHits>> | null;
  readonly reads: z.output<z.ZodObject<typeof tableHits>>[];
  readonly unreadable: readonly NotExamined[];
}

/** Looks twice where `seconds` are asked for. */
export async function readHits(
  target: ReachedDatabase,
  context: Pick<CallContext, 'deadline'>,
  { seconds, limit }: { readonly seconds: number; readonly limit: number },
): Promise<ReadHits> {
  if (seconds === 0) {
    const { parts, unreadable } = await readParts(target, { databaseReads }, {});
    const [reads] = parts.databaseReads;
    return { hits: reads ? hitsBetween(reads, undefined) : null, reads: [], unreadable };
  }
  const before = await readParts(target, { databaseReads, tableReads }, {});
  await pause(context, 1000 * seconds);
  const { parts, unreadable } = await readParts(target, { databaseReads, tableReads }, {});
  const [reads] = parts.databaseReads;
  const blockSize = reads?.block_size ?? 0;
  return {
    hits: reads ? hitsBetween(reads, before.parts.databaseReads[0]) : null,
    reads: readsBetween(parts.tableReads, before.parts.tableReads, { limit, blockSize }),
    unreadable,
  };
}

/** Counters that were reset between two looks count from 0. */
export function hitsBetween(
  now: DatabaseReads,
  before: DatabaseReads | undefined,
): z.output<z.ZodObject<typeof cacheHits>> {
  const since = before && now.hit >= before.hit && now.read >= before.read ? before : { hit: 0, read: 0 };
  const hit = now.hit - since.hit;
  const read = now.read - since.read;
  return {
    seconds: before === undefined ? null : Math.round(1000 * (now.at - before.at)) / 1000,
    counted_since: now.counted_since,
    hit,
    read,
    hit_percent: percentOf(hit, hit + read),
    read_size: read * now.block_size,
  };
}

/** Those that read the most between two looks. */
export function readsBetween(
  now: readonly TableReads[],
  before: readonly TableReads[],
  { limit, blockSize }: { readonly limit: number; readonly blockSize: number },
): z.output<z.ZodObject<typeof tableHits>>[] {
  const earlier = new Map(before.map((row) => [row.oid, row]));
  return now
    .map(({ oid, schema, table, ...counts }) => {
      const { hit = 0, read = 0 } = earlier.get(oid) ?? {};
      return { schema, table, hit: counts.hit - hit, read: counts.read - read };
    })
    .filter(({ hit, read }) => hit >= 0 && read > 0)
    .toSorted((a, b) => b.read - a.read)
    .slice(0, limit)
    .map(({ schema, table, hit, read }) => ({
      schema,
      table,
      read_size: read * blockSize,
      hit_percent: percentOf(hit, hit + read),
    }));
}

function percentOf(part: number, whole: number): number | null {
  return whole === 0 ? null : Math.round((10_000 * part) / whole) / 100;
}
