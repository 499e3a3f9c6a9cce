import { defineCommand, PURPOSE_OPTION } from '../command.ts';

export const configShow = defineCommand({
  name: 'config show',
  group: 'Administer',
  summary: 'Show the configuration in force, with defaults and without secrets',
  positionals: [],
  options: PURPOSE_OPTION,
  examples: [{ line: 'howdah config show --config howdah.yaml', does: 'as YAML; --json for JSON' }],
  run: async (shell) => (await import('../show-config.ts')).showConfiguration(shell),
});
