import { defineCommand, PURPOSE_OPTION } from '../command.ts';
import { CHANGE } from './persona-options.ts';

export const personaRevert = defineCommand({
  name: 'persona revert',
  group: 'Administer',
  summary: 'Put an earlier version of a persona in force again',
  positionals: ['<name>'],
  options: {
    to: { type: 'string', value: '<version>', description: 'The version to go back to' },
    ...CHANGE,
    ...PURPOSE_OPTION,
  },
  examples: [{ line: 'howdah persona revert support --to 2 --reason "3 was too wide"', does: 'as a new version' }],
  run: async (shell, { positionals, values }) =>
    (await import('../personas.ts')).revertPersona(shell, positionals[0] ?? '', values),
});
