import { defineCommand, PURPOSE_OPTION } from '../command.ts';
import { REASON } from './persona-options.ts';

export const personaRevoke = defineCommand({
  name: 'persona revoke',
  group: 'Administer',
  summary: 'End a grant before its time',
  positionals: ['<grant>'],
  options: {
    ...REASON,
    ...PURPOSE_OPTION,
  },
  examples: [
    {
      line: 'howdah persona revoke 01980b5e-7a1c-7c3e-9d55-4f0f6f6f9a01 --reason "solved"',
      does: 'on every replica within a second',
    },
  ],
  run: async (shell, { positionals, values }) =>
    (await import('../personas.ts')).revokeGrant(shell, positionals[0] ?? '', values),
});
