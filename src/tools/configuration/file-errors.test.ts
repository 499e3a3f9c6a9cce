import { expect, it } from 'vitest';
import { judgeFiles, withoutHeld } from './file-errors.ts';

const error = {
  file: '/etc/postgresql.conf',
  line: 7,
  name: 'work_men',
  error: 'unrecognized configuration parameter',
};

it('takes errors in the files for critical, and none for nothing', () => {
  expect(judgeFiles([])).toEqual([]);
  expect(judgeFiles([error, error])).toMatchObject([{ severity: 'critical', evidence: { count: 2, ...error } }]);
});

it('does not take what waits for a restart for an error', () => {
  const held = { ...error, name: 'shared_buffers', error: 'setting could not be applied' };
  const unnamed = { ...error, name: null, error: 'syntax error' };
  expect(withoutHeld([error, held, unnamed], [{ name: 'shared_buffers' }])).toEqual([error, unnamed]);
});
