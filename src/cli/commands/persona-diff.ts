import { defineCommand, PURPOSE_OPTION } from '../command.ts';

export const personaDiff = defineCommand({
  name: 'persona diff',
  group: 'Administer',
  summary: 'Show what another configuration changes, for which personas and callers',
  positionals: ['<file>'],
  options: PURPOSE_OPTION,
  examples: [{ line: 'howdah persona diff -c howdah.yaml next.yaml', does: 'exit code 1 when something changes' }],
  run: async (shell, { positionals: [file = ''] }) => (await import('../personas.ts')).diffPersonas(shell, file),
});
