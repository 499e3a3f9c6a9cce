import { defineCommand, PURPOSE_OPTION } from '../command.ts';
import { CHANGE } from './persona-options.ts';

export const personaRemove = defineCommand({
  name: 'persona remove',
  group: 'Administer',
  summary: 'Take a persona of the store out of force',
  positionals: ['<name>'],
  options: {
    ...CHANGE,
    ...PURPOSE_OPTION,
  },
  examples: [{ line: 'howdah persona remove support --reason "nobody has it"', does: 'its versions stay' }],
  run: async (shell, { positionals, values }) =>
    (await import('../personas.ts')).removePersona(shell, positionals[0] ?? '', values),
});
