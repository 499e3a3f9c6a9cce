import { defineCommand, PURPOSE_OPTION } from '../command.ts';

export const personaShow = defineCommand({
  name: 'persona show',
  group: 'Administer',
  summary: 'Show a persona as it is written, and who wrote it',
  positionals: ['<name>'],
  options: PURPOSE_OPTION,
  examples: [{ line: 'howdah persona show support > support.yaml', does: 'to change it and set it again' }],
  run: async (shell, { positionals }) => (await import('../personas.ts')).showPersona(shell, positionals[0] ?? ''),
});
