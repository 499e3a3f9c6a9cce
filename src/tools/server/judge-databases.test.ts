import { expect, it } from 'vitest';
import { soundDatabase as sound } from '../../../test/tools/sound-database.ts';
import type { DatabaseRow } from './database-page.ts';
import { judgeDatabases } from './judge-databases.ts';

const judge = (...rows: Partial<DatabaseRow>[]) =>
  judgeDatabases(
    rows.map((row) => ({ ...sound, ...row })),
    { max_connection_percent: 80, max_wraparound_percent: 50 },
  );

it.each<[string, Partial<DatabaseRow>, string[]]>([
  ['is sound', {}, []],
  ['has damage', { checksum_failures: 2 }, ['critical']],
  ['has checksums off', { checksum_failures: null }, []],
  ['is half way to wraparound', { xid_wraparound_percent: 50 }, ['warning']],
  ['has other collations now', { actual_collation_version: '2.36' }, ['warning']],
  [
    'has other collations now and takes no sessions',
    { actual_collation_version: '2.36', allows_connections: false },
    ['notice'],
  ],
  ['has no recorded collation', { collation_version: null }, []],
  ['has a collation that is gone', { actual_collation_version: null }, []],
  ['has room', { connections: 79, connection_limit: 100 }, []],
  ['is nearly full', { connections: 80, connection_limit: 100 }, ['warning']],
  ['is full', { connections: 100, connection_limit: 100 }, ['critical']],
  ['is closed by its limit', { connections: 0, connection_limit: 0 }, []],
  ['is half dropped', { invalid: true }, ['notice']],
])('judges a database that %s', (_, row, severities) => {
  expect(judge(row).map(({ severity }) => severity)).toEqual(severities);
});

it('advises statements about the very database, whatever its name', () => {
  const [finding] = judge({ database: `we."ird'`, connections: 9, connection_limit: 9 });
  expect(finding).toMatchObject({
    object: '"we.""ird\'"',
    next_step: expect.stringContaining(`datname = 'we."ird''' GROUP`),
  });
  expect(judge({ invalid: true })[0]?.next_step).toBe('DROP DATABASE "Order";');
});

it('sums up what an upgrade of the operating system did to all', () => {
  const rows = Array.from({ length: 40 }, (_, i) => ({ database: `tenant_${i}`, actual_collation_version: '2.36' }));
  expect(judge(...rows)).toEqual([
    expect.objectContaining({ claim: 'The collations of 40 databases have changed since.', severity: 'warning' }),
  ]);
});
