import { describe, expect, it } from 'vitest';
import { hitsBetween, readsBetween } from './cache-hits.ts';

const reads = { hit: 900, read: 100, counted_since: null, at: 1000, block_size: 8192 };

describe('cache hits', () => {
  it.each<[string, Partial<typeof reads> | undefined, (number | null)[]]>([
    ['since the beginning', undefined, [null, 900, 100, 90]],
    ['between two looks', { hit: 800, read: 0, at: 990 }, [10, 100, 100, 50]],
    ['of nothing', { at: 990 }, [10, 0, 0, null]],
    ['since a reset', { hit: 901, at: 990 }, [10, 900, 100, 90]],
  ])('%s', (_, before, [seconds, hit, read, hit_percent]) => {
    expect(hitsBetween(reads, before && { ...reads, ...before })).toEqual({
      seconds,
      counted_since: null,
      hit,
      read,
      hit_percent,
      read_size: Number(read) * 8192,
    });
  });

  it('name the tables that were read most, and none that was not', () => {
    const table = { oid: 1, schema: 's', table: 'a', hit: 10, read: 10 };
    const now = [
      { ...table, hit: 20, read: 20 },
      { ...table, oid: 2, table: 'b', hit: 0, read: 40 },
      { ...table, oid: 3, table: 'c', hit: 50 },
      { ...table, oid: 4, table: 'd', hit: 1, read: 90 },
    ];
    const before = [table, { ...table, oid: 3 }, { ...table, oid: 4 }];
    expect(readsBetween(now, before, { limit: 5, blockSize: 2 })).toEqual([
      { schema: 's', table: 'b', read_size: 80, hit_percent: 0 },
      { schema: 's', table: 'a', read_size: 20, hit_percent: 50 },
    ]);
    expect(readsBetween(now, before, { limit: 1, blockSize: 2 })).toHaveLength(1);
  });
});
