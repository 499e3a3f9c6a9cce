import { defineCommand } from '../command.ts';

export const stdio = defineCommand({
  name: 'stdio',
  group: 'Connect',
  summary: 'Serve one MCP client over standard input and output',
  positionals: [],
  options: {},
  examples: [
    { line: 'DATABASE_URL=postgresql://monitor@db.example.org/shop howdah stdio', does: 'what an MCP client runs' },
  ],
  notes: 'Nothing but protocol is written to standard output. howdah connect prints the configuration of a client.',
  run: async (shell) => (await import('../serve-stdio.ts')).serveStdio(shell),
});
