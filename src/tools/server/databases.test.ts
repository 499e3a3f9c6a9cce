import { expect, it } from 'vitest';
import { soundDatabase } from '../../../test/tools/sound-database.ts';
import { judgeDamage, judgeWraparound, unmeasured, type Database } from './databases.ts';

const database: Database = { ...soundDatabase, database: 'shop' };

it.each<[string, Partial<Database>, string[]]>([
  ['young', {}, []],
  ['due for freezing', { xid_freeze_percent: 140, xid_wraparound_percent: 13 }, []],
  ['overdue', { xid_freeze_percent: 160, xid_wraparound_percent: 15 }, ['notice']],
  ['half way', { xid_freeze_percent: 540, xid_wraparound_percent: 50 }, ['warning']],
  ['past the failsafe', { xid_freeze_percent: 810, xid_wraparound_percent: 75 }, ['critical']],
  ['short of multixacts', { mxid_freeze_percent: 270, mxid_wraparound_percent: 51 }, ['warning']],
])('judges a database that is %s', (_, more, severities) => {
  const findings = judgeWraparound([{ ...database, ...more }], 50);
  expect(findings.map(({ severity }) => severity)).toEqual(severities);
});

it('names the ids that run out', () => {
  const claims = [{ xid_wraparound_percent: 60 }, { mxid_wraparound_percent: 60 }].map(
    (more) => judgeWraparound([{ ...database, ...more }], 50)[0]?.claim,
  );
  expect(claims).toEqual([
    'Database "shop" has used 60 % of the transaction ids there are before writes stop.',
    'Database "shop" has used 60 % of the multixact ids there are before writes stop.',
  ]);
});

it('lets no name of a database end the comment in its advice', () => {
  const evil = { ...database, database: 'x"\nDROP TABLE orders; --', xid_wraparound_percent: 80 };
  expect(judgeWraparound([evil], 50)[0]?.next_step).not.toContain('DROP');
});

it('reports damage, and only damage', () => {
  const totals = { databases: 1, checksum_failures: 0, last_checksum_failure: null, deadlocks: 0, temp_size: 0 };
  expect(judgeDamage(totals)).toEqual([]);
  expect(judgeDamage({ ...totals, checksum_failures: null })).toEqual([]);
  expect(judgeDamage({ ...totals, checksum_failures: 2 })).toEqual([expect.objectContaining({ severity: 'critical' })]);
});

it('names the databases that it could not measure', () => {
  expect(unmeasured([database])).toEqual([]);
  expect(unmeasured([database, { ...database, database: 'closed', size: null }])).toEqual([
    expect.objectContaining({ what: 'the size of "closed"' }),
  ]);
});
