import { expect, it } from 'vitest';
import { judgeQuestionable } from './questionable.ts';

it.each([
  ['session_replication_role', 'replica', 'warning'],
  ['synchronous_commit', 'off', 'notice'],
  ['enable_seqscan', 'off', 'notice'],
] as const)('judges that %s is %s', (name, value, severity) => {
  expect(judgeQuestionable([{ name, value }])).toMatchObject([
    { severity, claim: expect.stringContaining(name), object: `"${name}"`, evidence: { [name]: value } },
  ]);
});
