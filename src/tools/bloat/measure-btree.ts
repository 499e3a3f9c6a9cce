import { z } from 'zod';
import type { ReachedSession } from '../../calls/reached-session.ts';
import { byExtensionVersion, definePart, extensionSchema, sql, type RowOf } from '../kit/index.ts';
import type { Btree } from './btree.ts';
import { EXTENSION, unlocked } from './measure-heap.ts';

const count = z.int().min(0);

/** Reads every page. https://www.postgresql.org/docs/current/pgstattuple.html */
export const btreePages = definePart({
  what: 'pages of an index',
  row: {
    size: count,
    inner: count,
    leaves: count,
    density: z.number().nullable(),
    fragmentation: z.number().nullable(),
  },
  sql: byExtensionVersion(EXTENSION, {
    '1.3': sql`
      select t.index_size as size, t.internal_pages as inner, t.leaf_pages as leaves,
             -- of no leaf it is not a number
             case when t.leaf_pages > 0 then t.avg_leaf_density end as density, case when t.leaf_pages > 0 then t.leaf_fragmentation end as fragmentation
        from ${unlocked}
       cross join lateral ${extensionSchema(EXTENSION)}.pgstatindex(e.oid::regclass) t`,
  }),
});
type Pages = RowOf<typeof btreePages>;

export interface MeasuredBtree {
  readonly size: number;
  readonly wasted: number;
  readonly leaf_density: number | null;
  readonly leaf_fragmentation: number | null;
}

export async function measureBtree(session: ReachedSession, btree: Btree): Promise<MeasuredBtree | undefined> {
  const [pages] = await btreePages.read(session, { oid: btree.oid });
  if (!pages) return undefined;
  const { size, density, fragmentation } = pages;
  return { size, wasted: wastedOfPages(pages, btree), leaf_density: density, leaf_fragmentation: fragmentation };
}

/** What a build would not take: leaves as full as the fillfactor has them, and as many pages above them as those need. */
export function wastedOfPages(
  { size, inner, leaves, density }: Pages,
  { block_size, fillfactor }: Pick<Btree, 'block_size' | 'fillfactor'>,
): number {
  const needed = Math.ceil((leaves * (density ?? 0)) / fillfactor);
  const above = leaves === 0 ? 0 : Math.ceil((inner * needed) / leaves);
  return Math.max(size - (1 + above + needed) * block_size, 0);
}
