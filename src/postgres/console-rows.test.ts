import { expect, it } from 'vitest';
import { consoleRows } from './console-rows.ts';

const INT4 = 23;

function rowOf(values: Readonly<Record<string, string | null>>) {
  const fields = Object.keys(values).map((name) => ({ name, typeOid: INT4 }));
  const [row] = consoleRows({ fields, rows: [Object.values(values)], command: 'SHOW' });
  if (!row) throw new Error('there is no row');
  return row;
}

it('reads columns by their names, and takes those that are not there for null', () => {
  const row = rowOf({ tls: '', user: 'app', cl_active: '3', paused: '1', changeable: 'no' });
  expect(row.text('user')).toBe('app');
  expect(row.integer('cl_active')).toBe(3);
  expect([row.flag('paused'), row.flag('changeable')]).toEqual([true, false]);
  expect([row.text('tls'), row.text('replication'), row.integer('id'), row.flag('disabled')]).toEqual([
    null,
    null,
    null,
    null,
  ]);
});

it('is not led astray by names that every object has', () => {
  expect(rowOf({ user: 'app' }).text('constructor')).toBeNull();
});

it('reads numbers without losing digits, and stops where they would be lost', () => {
  const row = rowOf({ most: '9007199254740991', more: '18446744073709551615', padded: '       12', none: 'many' });
  expect(row.integer('most')).toBe(9_007_199_254_740_991);
  expect(row.integer('more')).toBe(Number.MAX_SAFE_INTEGER);
  expect(row.integer('padded')).toBe(12);
  expect(row.integer('none')).toBeNull();
});

it('turns microseconds into milliseconds, and into parts of a second', () => {
  const row = rowOf({ total_wait_time: '4915', maxwait: '3', maxwait_us: '22553', wait: '7' });
  expect(row.milliseconds('total_wait_time')).toBe(4.915);
  expect(row.seconds('maxwait')).toBe(3.022553);
  expect(row.seconds('wait')).toBe(7);
  expect(row.seconds('age')).toBeNull();
});
