import { expect, it } from 'vitest';
import type { DecodingRow } from './decoding-row.ts';
import { judgeDecoding } from './judge-decoding.ts';

const GIB = 2 ** 30;
const MIB = 2 ** 20;
const row: DecodingRow = {
  slot_name: 'cdc',
  plugin: 'pgoutput',
  database: 'shop',
  active: true,
  restart_lsn: '0/1',
  confirmed_flush_lsn: '0/2',
  unconfirmed_size: 0,
  total_txns: 1000,
  total_size: 10 * GIB,
  spill_txns: 7,
  spill_count: 20,
  spill_size: 2 * GIB,
  spill_percent: 20,
  stream_txns: 0,
  stream_count: 0,
  stream_size: 0,
  counted_since: null,
};

function judge(more: Partial<DecodingRow>, memory = 64 * MIB) {
  return judgeDecoding([{ ...row, ...more }], {
    input: { min_spill_size: GIB, max_spill_percent: 10 },
    about: { logical_decoding_work_mem: memory },
    facts: { service: null },
  });
}

it.each<[string, Partial<DecodingRow>, number]>([
  ['spills much', {}, 1],
  ['spills little', { spill_size: GIB }, 0],
  ['spills a small part', { spill_percent: 10 }, 0],
  ['has no statistics', { spill_size: null, spill_percent: null }, 0],
])('judges a slot that %s', (_, more, count) => {
  expect(judge(more)).toHaveLength(count);
});

it('advises twice the memory, as long as that is reasonable', () => {
  expect(judge({})).toMatchObject([
    {
      severity: 'notice',
      object: 'cdc',
      claim: 'The logical slot cdc spilled 7 transactions to disk, whose changes are 20 % of what it decoded.',
      next_step: expect.stringMatching(
        /^ALTER SYSTEM SET logical_decoding_work_mem = '128MB'; -- .*\nSELECT pg_reload_conf\(\);\n-- /,
      ),
    },
  ]);
  expect(judge({}, GIB)[0]?.next_step).toMatch(/^-- .*streaming = on/);
});
