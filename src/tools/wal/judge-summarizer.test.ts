import { expect, it } from 'vitest';
import { judgeSummarizer } from './judge-summarizer.ts';
import type { Summarizer } from './wal-summaries.ts';

const MIB = 2 ** 20;
const works: Summarizer = {
  summarize_wal: true,
  wal_summary_keep_time: '10d',
  wal_level: 'replica',
  summarizer_pid: 7,
  summarized_tli: 1,
  summarized_lsn: '0/1',
  pending_lsn: '0/2',
  wal_lsn: '0/3',
  unread_size: 100 * MIB,
  unsummarized_size: 2000 * MIB,
  summaries: 3,
  oldest_lsn: '0/1',
};
const judge = (row: Partial<Summarizer>) => judgeSummarizer({ ...works, ...row }, 100 * MIB).map(({ claim }) => claim);

it.each<[string, Partial<Summarizer>, string[]]>([
  ['works', {}, []],
  ['is off', { summarize_wal: false, summarizer_pid: null, unread_size: null }, []],
  [
    'is far behind',
    { unread_size: 100 * MIB + 1 },
    ['The WAL summarizer is far behind, and pg_wal keeps what it has not read.'],
  ],
  [
    'does not run',
    { summarizer_pid: null },
    ['The WAL summarizer is on and does not run, so that pg_wal keeps what it has not read.'],
  ],
])('judges a summarizer that %s', (_, row, claims) => {
  expect(judge(row)).toEqual(claims);
});
