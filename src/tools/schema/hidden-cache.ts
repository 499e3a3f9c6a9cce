import type { ReachedDatabase } from '../../calls/context.ts';
import { createHiddenData, type HiddenData } from '../../calls/hidden-data.ts';
import { readHiddenNames } from '../../calls/hidden-names.ts';
import type { ReadHidden } from '../../calls/reached-session.ts';
import type { CatalogueIndex } from './catalogue-index.ts';
import { createSight, type CatalogueSight } from './catalogue-sight.ts';
import { placeKey, readGeneration, servesMs } from './catalogue-generation.ts';

/** Names of all that is kept; what was asked for longest ago goes first. */
const MOST_NAMES = 50_000;

interface Kept {
  readonly hidden: HiddenData;
  readonly names: number;
  readonly generation: string;
  readonly until: number;
}

/**
 * Keeps what rules come to for as long as a catalogue is kept, by server, database, login and rules. It may be older than
 * the last change, as a catalogue may: whoever shows something by it asks `mayStillShow` first.
 */
export function createHiddenCache(now: () => number = () => performance.now()) {
  /** In the order in which they were asked for. */
  const kept = new Map<string, Kept>();
  const reused = new WeakSet<HiddenData>();
  const sights = new WeakMap<HiddenData, { readonly index: CatalogueIndex; readonly sight: CatalogueSight }>();

  function keep(key: string, entry: Kept): void {
    kept.delete(key);
    for (const [other, { until }] of kept) if (until < now()) kept.delete(other);
    if (entry.names > MOST_NAMES) return;
    kept.set(key, entry);
    // memory is given back though nobody asks again
    setTimeout(() => kept.get(key) === entry && kept.delete(key), entry.until - now()).unref();
    let names = [...kept.values()].reduce((sum, each) => sum + each.names, 0);
    for (const [other, each] of kept) {
      if (names <= MOST_NAMES) break;
      names -= each.names;
      kept.delete(other);
    }
  }

  return {
    /** Whether it was read for an earlier call. */
    isReused: (hidden: HiddenData) => reused.has(hidden),
    /** What may be seen of the catalogue; undefined where that is newer than what is known to be hidden. */
    sightOf(hidden: HiddenData, index: CatalogueIndex): CatalogueSight | undefined {
      const known = sights.get(hidden);
      if (known !== undefined) return known.index === index ? known.sight : undefined;
      if (reused.has(hidden)) return undefined;
      const sight = createSight(hidden, index);
      sights.set(hidden, { index, sight });
      return sight;
    },
    /** `anew` reads it in any case. */
    reader:
      (target: Pick<ReachedDatabase, 'server' | 'database'>, { anew }: { readonly anew: boolean }): ReadHidden =>
      async (session, rules) => {
        const key = JSON.stringify([placeKey(target, session), rules.canonical]);
        const generation = await readGeneration(session);
        const known = kept.get(key);
        if (!anew && known && known.generation === generation && known.until > now()) {
          kept.delete(key);
          kept.set(key, known);
          reused.add(known.hidden);
          return known.hidden;
        }
        const names = await readHiddenNames(session, rules);
        const hidden = createHiddenData(rules, names);
        keep(key, { hidden, names: names.length, generation, until: now() + servesMs(session) });
        return hidden;
      },
  };
}
