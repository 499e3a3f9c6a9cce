import { defineCommand, PURPOSE_OPTION } from '../command.ts';

export const personaGrants = defineCommand({
  name: 'persona grants',
  group: 'Administer',
  summary: 'List the grants of personas',
  positionals: [],
  options: {
    active: { type: 'boolean', description: 'Only those that last' },
    ...PURPOSE_OPTION,
  },
  examples: [{ line: 'howdah persona grants --active', does: 'who has another persona now' }],
  run: async (shell, { values }) => (await import('../personas.ts')).listGrants(shell, values),
});
