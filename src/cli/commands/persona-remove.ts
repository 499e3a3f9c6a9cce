import { defineCommand, PURPOSE_OPTION } from '../command.ts';

export const personaRemove = defineCommand({
  name: 'persona remove',
  group: 'Administer',
  summary: 'Take a persona of the store out of force',
  positionals: ['<name>'],
  options: {
    reason: { type: 'string', value: '<text>', description: 'Why, for those who look at it later' },
    'if-version': { type: 'string', value: '<number>', description: 'Only if this version is in force; 0 for none' },
    ...PURPOSE_OPTION,
  },
  examples: [{ line: 'howdah persona remove support --reason "nobody has it"', does: 'its versions stay' }],
  run: async (shell, { positionals, values }) =>
    (await import('../personas.ts')).removePersona(shell, positionals[0] ?? '', values),
});
