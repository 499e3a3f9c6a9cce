import { z } from 'zod';
import type { ReachedDatabase } from '../../calls/context.ts';
import type { ReachedSession } from '../../calls/reached-session.ts';
import { compileShape, decodeRows } from '../../postgres/exact-values.ts';
import { compile, param, sql } from '../../postgres/sql.ts';
import { indexCatalogue, type CatalogueIndex } from './catalogue-index.ts';
import { placeKey, readGeneration, servesMs } from './catalogue-generation.ts';
import { readCatalogue } from './catalogue.ts';

/** Bytes of all catalogues that are kept; the one that was asked for longest ago goes first. */
const MOST_KEPT = 64 * 2 ** 20;
/** Relations of a database that is kept and searched whole; of a larger one what has the words of the question is read. */
export const MOST_RELATIONS = 25_000;
/** That are read of a larger one. */
const MOST_READ = 2_000;

/** Up to one more than are kept. */
export const RELATIONS = compile(sql`
  select pg_catalog.count(*) as relations
    from (select from pg_catalog.pg_class c where c.relkind in ('r', 'p', 'v', 'm', 'f') and not c.relispartition limit ${param('most')}) c`);

const relationsShape = compileShape({ relations: z.int() });

interface Kept {
  readonly index: CatalogueIndex;
  readonly generation: string;
  readonly until: number;
}

/** A catalogue to search, and whether it is all of it. */
export interface OpenCatalogue {
  readonly index: CatalogueIndex;
  readonly isWhole: boolean;
}

/** What a question narrows the reading of a very large catalogue to. */
export interface Narrowing {
  /** As ILIKE has them; null where nothing was asked for, and the largest relations are read. */
  readonly patterns: readonly string[] | null;
  readonly schema: string | null;
}

/** Keeps catalogues for a little while, by server, database and login. Each is what the login sees, whoever the caller is. */
export function createCatalogueCache(now: () => number = () => performance.now()) {
  /** In the order in which they were asked for. */
  const kept = new Map<string, Kept>();

  function keep(key: string, entry: Kept): void {
    kept.delete(key);
    for (const [other, { until }] of kept) if (until < now()) kept.delete(other);
    if (entry.index.size > MOST_KEPT) return;
    kept.set(key, entry);
    // memory is given back though nobody asks again
    setTimeout(() => forget(key, entry), entry.until - now()).unref();
    let size = [...kept.values()].reduce((sum, { index }) => sum + index.size, 0);
    for (const [other, { index }] of kept) {
      if (size <= MOST_KEPT) break;
      size -= index.size;
      kept.delete(other);
    }
  }

  function forget(key: string, entry: Kept): void {
    if (kept.get(key) === entry) kept.delete(key);
  }

  return {
    forget(target: ReachedDatabase, session: ReachedSession): void {
      kept.delete(placeKey(target, session));
    },
    /** In the transaction of the session. */
    async open(target: ReachedDatabase, session: ReachedSession, narrowing: Narrowing): Promise<OpenCatalogue> {
      const key = placeKey(target, session);
      const generation = await readGeneration(session);
      const known = kept.get(key);
      if (known && known.generation === generation && known.until > now()) {
        kept.delete(key);
        kept.set(key, known);
        return { index: known.index, isWhole: true };
      }
      const [found] = decodeRows(await session.query(RELATIONS, { most: MOST_RELATIONS + 1 }), relationsShape);
      if (Number(found?.['relations']) > MOST_RELATIONS) {
        const items = await readCatalogue(session, { ...narrowing, most: MOST_READ });
        return { index: await indexCatalogue(items), isWhole: false };
      }
      const items = await readCatalogue(session, { patterns: null, schema: null, most: MOST_RELATIONS });
      const index = await indexCatalogue(items);
      keep(key, { index, generation, until: now() + servesMs(session) });
      return { index, isWhole: true };
    },
  };
}
