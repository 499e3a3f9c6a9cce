import { defineCommand } from '../command.ts';

export const configCheck = defineCommand({
  name: 'config check',
  group: 'Administer',
  summary: 'Check a configuration, and name all that is wrong at once',
  positionals: ['[file]'],
  options: {},
  examples: [{ line: 'howdah config check howdah.yaml', does: 'exit code 2 when it cannot be used' }],
  run: async (shell, { positionals: [file] }) => (await import('../show-config.ts')).checkConfig(shell, file),
});
