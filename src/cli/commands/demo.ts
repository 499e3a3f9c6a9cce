import { defineCommand } from '../command.ts';

export const demo = defineCommand({
  name: 'demo',
  group: 'Look',
  summary: 'Start a PostgreSQL of its own with a shop that has problems, and check it',
  positionals: [],
  options: {},
  examples: [{ line: 'howdah demo', does: 'needs nothing but this machine; about ten seconds' }],
  run: async (shell) => (await import('../demo/run-demo.ts')).runDemo(shell),
});
