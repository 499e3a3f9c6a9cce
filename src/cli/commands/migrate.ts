import { defineCommand } from '../command.ts';

export const migrate = defineCommand({
  name: 'migrate',
  group: 'Administer',
  summary: 'Bring the store to the schema of this version',
  positionals: [],
  options: {},
  examples: [
    {
      line: 'howdah migrate -c howdah.yaml',
      does: 'as the login of store.migrate_url; `serve` does the same at its start',
    },
  ],
  notes: 'It only goes forward, and one process at a time does it: a step that fails leaves the schema as it was.',
  run: async (shell) => (await import('../migrate.ts')).migrate(shell),
});
