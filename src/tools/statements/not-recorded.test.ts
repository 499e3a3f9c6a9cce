import { describe, expect, it } from 'vitest';
import { notRecorded } from './not-recorded.ts';
import type { AboutStatements } from './statement-row.ts';

const about: AboutStatements = {
  since: '2026-01-01T00:00:00Z',
  tracked: 100,
  max_tracked: 5000,
  evictions: 0,
  all_ms: 500_000,
  extension_version: '1.11',
  track: 'all',
  track_planning: true,
  track_io_timing: true,
  texts_read: true,
};

function gaps(more: Partial<AboutStatements>, major = 18, order_by = 'total_time'): (string | undefined)[][] {
  return notRecorded({ ...about, ...more }, { facts: { major, service: null }, input: { order_by } }).map(
    ({ what, remedy }) => [what, remedy],
  );
}

describe('what is not recorded', () => {
  it('is nothing when all is counted', () => {
    expect(gaps({})).toEqual([]);
  });

  it('depends on the version of the extension, which only a newer server may have', () => {
    const old = { extension_version: '1.7', since: null, evictions: null, track: 'top' };
    expect(gaps(old, 17).map(([, remedy]) => remedy)).toEqual(
      Array(2).fill('ALTER EXTENSION pg_stat_statements UPDATE;'),
    );
    expect(gaps(old, 12).map(([, remedy]) => remedy)).toEqual([
      'PostgreSQL 13 has that version.',
      'PostgreSQL 14 has that version.',
    ]);
    expect(gaps({ extension_version: '1.8', track: 'top' })).toHaveLength(1);
    expect(gaps({ extension_version: '1.10' })).toEqual([]);
  });

  it('is which statements are nested, where an old version counts them, too', () => {
    const nested = 'statements within functions apart from those that called them';
    const told = (more: Partial<AboutStatements>) => gaps(more).some(([what]) => what === nested);
    expect([told({ extension_version: '1.8' }), told({ extension_version: '1.8', track: 'top' }), told({})]).toEqual([
      true,
      false,
      false,
    ]);
  });

  it('is nothing where settings are as they come, unless what they count is asked for', () => {
    const fresh = { track_io_timing: false, track_planning: false, track: 'top' };
    expect(gaps(fresh)).toEqual([]);
    expect(gaps(fresh, 18, 'planning')).toEqual([['planning times', expect.stringContaining('= on; -- slows down')]]);
    expect(gaps(fresh, 18, 'io')).toEqual([
      ['the time of reads and writes', expect.stringContaining('track_io_timing = on; -- pg_test_timing')],
    ]);
  });

  it('is the time of JIT, where it is asked for and the extension is too old', () => {
    const old = { extension_version: '1.9' };
    expect(gaps(old)).toEqual([]);
    expect(gaps(old, 15, 'jit')).toEqual([['JIT times', 'ALTER EXTENSION pg_stat_statements UPDATE;']]);
    expect(gaps({ extension_version: '1.10' }, 15, 'jit')).toEqual([]);
  });

  it('is every text where one of them is none', () => {
    expect(gaps({ texts_read: false })).toEqual([
      ['the texts of all statements', expect.stringContaining('by way of a database whose encoding is SQL_ASCII')],
    ]);
  });

  it('is all when nothing is tracked', () => {
    expect(gaps({ track: 'none' }).map(([what]) => what)).toEqual(['statements since tracking was turned off']);
  });
});
