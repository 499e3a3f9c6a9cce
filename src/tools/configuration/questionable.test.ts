import { expect, it } from 'vitest';
import { judgeQuestionable } from './questionable.ts';

it.each([
  ['session_replication_role', 'replica', 'warning'],
  ['synchronous_commit', 'off', 'notice'],
  ['enable_seqscan', 'off', 'notice'],
] as const)('judges that %s is %s', (name, value, severity) => {
  expect(judgeQuestionable([{ name, value, of_database: false }])).toMatchObject([
    { severity, claim: expect.stringContaining(name), object: `"${name}"`, evidence: { [name]: value } },
  ]);
});

it('says that a value is that of one database', () => {
  const [finding] = judgeQuestionable([{ name: 'synchronous_commit', value: 'off', of_database: true }]);
  expect(finding?.claim).toMatch(/^synchronous_commit is off: .*; that is set for this database\.$/);
});
