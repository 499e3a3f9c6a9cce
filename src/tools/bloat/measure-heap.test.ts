import { describe, expect, it } from 'vitest';
import type { ConnectionFacts } from '../kit/index.ts';
import { aboutWasted, wastedOf, wastedOfToast } from './measure-heap.ts';
import { callOf, unmeasurable } from './pgstattuple.ts';

const page = { block_size: 8192, fillfactor: 100 };

it('takes for wasted what live rows would not take if they were written anew', () => {
  // 34 rows of 236 bytes to a page
  const tuples = { size: 590 * 8192, rows: 2000, live: 2000 * 232, free: 0, dead: 0 };
  expect(wastedOf(tuples, page)).toBe(531 * 8192);
  expect(wastedOf(tuples, { ...page, fillfactor: 50 })).toBe(472 * 8192);
  expect(wastedOf({ ...tuples, rows: 0, live: 0 }, page)).toBe(tuples.size);
  expect(wastedOf({ ...tuples, size: 58 * 8192 }, page)).toBe(0);
});

it('fills the pages of TOAST with smaller chunks, too', () => {
  // four full chunks of 2,036 bytes to a page
  expect(wastedOfToast({ size: 100 * 8192, rows: 40, live: 40 * 2032, free: 0, dead: 0 }, 8192)).toBe(90 * 8192);
  expect(wastedOfToast({ size: 100 * 8192, rows: 0, live: 0, free: 0, dead: 0 }, 8192)).toBe(100 * 8192);
});

it('takes for wasted, about, what is free or dead beyond the fillfactor', () => {
  const tuples = { size: 1000, rows: 1, live: 0, free: 300, dead: 200 };
  expect(aboutWasted(tuples, { fillfactor: 100 })).toBe(500);
  expect(aboutWasted(tuples, { fillfactor: 50 })).toBe(0);
});

describe('unmeasurable', () => {
  const facts = {
    role: { name: 'watcher', superuser: false, effectiveRoles: [] },
  } as unknown as ConnectionFacts;
  const extension = { schema: 'Ex t', version: '1.5', may_use: true, may_run: true };

  it.each([
    ['there is no extension', undefined, 'CREATE EXTENSION pgstattuple;'],
    ['its schema is closed', { ...extension, may_use: false }, 'GRANT USAGE ON SCHEMA "Ex t" TO "watcher";'],
    ['its functions are', { ...extension, may_run: false }, 'GRANT pg_stat_scan_tables TO "watcher";'],
    [
      'it is of a version for superusers alone',
      { ...extension, version: '1.4' },
      'ALTER EXTENSION pgstattuple UPDATE;\nGRANT pg_stat_scan_tables TO "watcher";',
    ],
  ])('says what is wanting where %s', (_, given, remedy) => {
    expect(unmeasurable(given, facts)).toMatchObject([{ what: 'exact bloat', remedy }]);
  });

  it('says nothing where it can be measured', () => {
    expect(unmeasurable(extension, facts)).toEqual([]);
    expect(callOf(extension, 'pgstatindex(1)')).toBe('SELECT * FROM "Ex t".pgstatindex(1);');
  });
});
