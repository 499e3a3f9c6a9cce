import { describe, expect, it } from 'vitest';
import type { HotRow } from './hot-row.ts';
import { judgeHotUpdates } from './judge-hot-updates.ts';

const row: HotRow = {
  schema: 'shop',
  table: 'orders',
  n_tup_upd: 20_000,
  n_tup_hot_upd: 2000,
  hot_percent: 10,
  n_tup_newpage_upd: 15_000,
  newpage_percent: 75,
  indexed_percent: 15,
  updates_per_s: 1,
  n_live_tup: 10_000,
  fillfactor: 100,
  indexes: 3,
  unscanned_indexes: [],
};
const evidence = {
  input: { min_hot_percent: 50, min_updates: 10_000 },
  about: { counted_since: null, counted_s: 86_400, track_counts: true },
};
const judge = (change: Partial<HotRow>) => judgeHotUpdates([{ ...row, ...change }], evidence);
const step = (change: Partial<HotRow>) => judge(change)[0]?.next_step ?? '';

describe('judgeHotUpdates', () => {
  it('reports a table whose rows are updated again and again without HOT', () => {
    expect(judge({})).toMatchObject([{ severity: 'notice', object: '"shop"."orders"' }]);
    expect(judge({ hot_percent: 50 })).toEqual([]);
    expect(judge({ hot_percent: 49.99 })).toHaveLength(1);
  });

  it.each([
    ['few updates', { n_tup_upd: 9999, n_live_tup: 10 }, 0],
    ['no index that could be spared', { indexes: 0 }, 0],
    ['one change of every row', { n_live_tup: 20_000 }, 0],
    ['one change of every row, and a day of many a second', { n_live_tup: 20_000, updates_per_s: 10 }, 1],
    ['nothing to judge by', { hot_percent: null }, 0],
  ])('judges %s', (_, change, findings) => {
    expect(judge(change)).toHaveLength(findings);
  });

  it('does not take an hour of many updates for a habit', () => {
    const young = { ...evidence, about: { ...evidence.about, counted_s: 3600 } };
    expect(judgeHotUpdates([{ ...row, n_live_tup: 20_000, updates_per_s: 100 }], young)).toEqual([]);
  });

  it('leaves room where that is what is wanting, but not ever more', () => {
    expect(step({})).toMatch(/^ALTER TABLE "shop"."orders" SET \(fillfactor = 90\); --/);
    expect(step({ fillfactor: 75 })).toContain('fillfactor = 70');
    expect(step({ fillfactor: 70 })).toMatch(/^-- .*xmin_holders/);
  });

  it('looks at the indexes where those are in the way, and drops none', () => {
    const look = step({ newpage_percent: 5, indexed_percent: 85, unscanned_indexes: ['a"b'] });
    expect(look).toContain(`WHERE indrelid = '"shop"."orders"'::regclass;`);
    expect(look).toContain('"shop"."a""b"');
    expect(look).not.toMatch(/DROP|fillfactor/);
  });

  it('says both before PostgreSQL 16, which does not tell the two apart', () => {
    const both = step({ n_tup_newpage_upd: null, newpage_percent: null, indexed_percent: null });
    expect(both).toContain('FROM pg_index');
    expect(both).toMatch(/^-- .*ALTER TABLE "shop"."orders" SET \(fillfactor = 90\)/m);
  });
});
