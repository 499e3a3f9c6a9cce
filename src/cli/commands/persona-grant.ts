import { defineCommand, PURPOSE_OPTION } from '../command.ts';
import { REASON } from './persona-options.ts';

export const personaGrant = defineCommand({
  name: 'persona grant',
  group: 'Administer',
  summary: 'Give a caller another persona for a while',
  positionals: ['<persona>'],
  options: {
    to: { type: 'string', value: '<caller>', description: 'The id of a key, the subject of an issuer, or role:<role>' },
    issuer: { type: 'string', value: '<issuer>', description: 'Who vouches for the subject (default key)' },
    for: { type: 'string', value: '<time>', description: 'How long: 30min, 2h, 1d; up to grants.longest' },
    ...REASON,
    ...PURPOSE_OPTION,
  },
  examples: [
    { line: 'howdah persona grant dba --to ZThd7bYgMqp2 --for 2h --reason "incident 42"', does: 'for one key' },
    {
      line: 'howdah persona grant viewer --to role:agents --for 30min --reason "too many calls"',
      does: 'for all with a role',
    },
  ],
  notes: 'It is in place of the persona that the caller has, and ends by itself. `persona revoke` ends it before.',
  run: async (shell, { positionals, values }) =>
    (await import('../personas.ts')).grantPersona(shell, positionals[0] ?? '', values),
});
