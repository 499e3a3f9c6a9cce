import { expect, it } from 'vitest';
import { boundsOf } from './work-memory.ts';

const MIB = 2 ** 20;
const row = {
  work_mem: 4 * MIB,
  hash_mem_multiplier: 1.5,
  temp_buffers: 8 * MIB,
  maintenance_work_mem: 64 * MIB,
  autovacuum_work_mem: 32 * MIB,
  logical_decoding_work_mem: null,
  max_connections: 100,
  autovacuum_max_workers: 3,
  max_wal_senders: 10,
  connections: 20,
  maintaining: 1,
  autovacuum_workers: null,
  decoding: 2,
};

it('adds up what is bound for those that are there and those that may be', () => {
  expect(
    boundsOf(row).map(({ setting, now_size, most_size }) => [
      setting,
      now_size && now_size / MIB,
      most_size && most_size / MIB,
    ]),
  ).toEqual([
    ['work_mem', 80, 400],
    ['work_mem * hash_mem_multiplier', 120, 600],
    ['temp_buffers', 160, 800],
    ['maintenance_work_mem', 64, null],
    ['autovacuum_work_mem', null, 96],
  ]);
  expect(boundsOf({ ...row, logical_decoding_work_mem: 64 * MIB }).at(-1)).toMatchObject({
    now_size: 128 * MIB,
    most_size: 640 * MIB,
  });
});
