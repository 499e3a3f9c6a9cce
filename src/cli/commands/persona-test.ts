import { defineCommand, PURPOSE_OPTION } from '../command.ts';

export const personaTest = defineCommand({
  name: 'persona test',
  group: 'Administer',
  summary: 'Test personas against a file of what is expected of them',
  positionals: ['<file>'],
  options: PURPOSE_OPTION,
  examples: [{ line: 'howdah persona test -c howdah.yaml personas.test.yaml', does: 'exit code 1 for a mismatch' }],
  notes:
    'For the checks of your own repository: it needs nothing but the files. docs/personas.md shows how they are written.',
  run: async (shell, { positionals: [file = ''] }) => (await import('../personas.ts')).testPersonas(shell, file),
});
