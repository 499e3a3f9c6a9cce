import { defineCommand, PURPOSE_OPTION } from '../command.ts';

export const personaHistory = defineCommand({
  name: 'persona history',
  group: 'Administer',
  summary: 'List the versions of a persona in the store',
  positionals: ['<name>'],
  options: PURPOSE_OPTION,
  examples: [{ line: 'howdah persona history support', does: 'who wrote each, when and why' }],
  run: async (shell, { positionals }) => (await import('../personas.ts')).listVersions(shell, positionals[0] ?? ''),
});
