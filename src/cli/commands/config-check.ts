import { defineCommand } from '../command.ts';

export const configCheck = defineCommand({
  name: 'config check',
  group: 'Administer',
  summary: 'Check a configuration, and name all that is wrong at once',
  positionals: ['[file]'],
  options: {
    connect: {
      type: 'boolean',
      description: 'Also ask the servers whether they have what data rules name, and whether saved queries can run',
    },
  },
  examples: [
    { line: 'howdah config check howdah.yaml', does: 'exit code 2 when it cannot be used' },
    { line: 'howdah config check --connect', does: 'and when a data rule or a saved query names what no server has' },
  ],
  run: async (shell, { positionals: [file], values: { connect } }) =>
    (await import('../show-config.ts')).checkConfig(shell, file, { connect: connect === true }),
});
