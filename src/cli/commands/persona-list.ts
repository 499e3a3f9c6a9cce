import { defineCommand, PURPOSE_OPTION } from '../command.ts';

export const personaList = defineCommand({
  name: 'persona list',
  group: 'Administer',
  summary: 'List the personas: where they are from, their roles, how much they may',
  positionals: [],
  options: PURPOSE_OPTION,
  examples: [{ line: 'howdah persona list -c howdah.yaml', does: 'the built-in ones too' }],
  run: async (shell) => (await import('../personas.ts')).listPersonas(shell),
});
