import { defineCommand } from '../command.ts';

export const tools = defineCommand({
  name: 'tools',
  group: 'Look',
  summary: 'List the tools: what can be called, and why not the rest',
  positionals: [],
  options: {},
  examples: [{ line: 'howdah tools --json', does: 'name, area, class, title, callable and reason of each' }],
  run: async (shell) => (await import('../list-tools.ts')).listTools(shell),
});
