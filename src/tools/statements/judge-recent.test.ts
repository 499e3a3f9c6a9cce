import { expect, it } from 'vitest';
import { judgeErrors } from './judge-recent.ts';

const error = { database: 'Shop', error_level: 'ERROR', calls: 2, last_bucket_start: null };

it.each([
  ['XX001', 'critical'],
  ['XX002', 'critical'],
  ['XX000', 'warning'],
  ['53100', 'critical'],
  ['58030', 'critical'],
  ['53200', 'warning'],
  ['53300', 'warning'],
  ['40P01', 'notice'],
])('reports SQLSTATE %s as %s', (sqlstate, severity) => {
  expect(judgeErrors([{ ...error, sqlstate }])).toMatchObject([{ severity, object: '"Shop"', evidence: { sqlstate } }]);
});

it.each(['22012', '23505', '57014', null])('leaves SQLSTATE %s to the application', (sqlstate) => {
  expect(judgeErrors([{ ...error, sqlstate }])).toEqual([]);
});
