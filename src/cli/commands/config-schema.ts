import { defineCommand } from '../command.ts';

export const configSchema = defineCommand({
  name: 'config schema',
  group: 'Administer',
  summary: 'List every key of the configuration; --json is a JSON Schema for editors',
  positionals: [],
  options: {},
  examples: [{ line: 'howdah config schema --json > howdah.schema.json', does: 'completion in an editor' }],
  run: async (shell) => (await import('../show-config.ts')).showSchema(shell),
});
