import { expect, it } from 'vitest';
import { formatSetting } from './setting-value.ts';

it.each([
  ['16384', '8kB', '128MB'],
  ['1', '8kB', '8kB'],
  ['4096', 'kB', '4MB'],
  ['1023', 'kB', '1023kB'],
  ['1073741824', 'kB', '1TB'],
  ['16777216', 'B', '16MB'],
  ['1024', 'MB', '1GB'],
  ['100', 'B', '100B'],
  ['300', 's', '5min'],
  ['1', 'min', '1min'],
  ['90', 's', '90s'],
  ['86400', 's', '1d'],
  ['1440', 'min', '1d'],
  ['2', 'ms', '2ms'],
  ['0.5', 'ms', '500us'],
  ['0.1', 'ms', '100us'],
  ['1500', 'ms', '1500ms'],
  ['0', 's', '0'],
  ['-1', 'kB', '-1'],
  ['100', null, '100'],
  ['on', null, 'on'],
  ['', null, ''],
  [null, 'kB', null],
  ['7', 'furlong', '7furlong'],
])('shows %s of %s as %s', (value, unit, shown) => {
  expect(formatSetting(value, unit)).toBe(shown);
});
