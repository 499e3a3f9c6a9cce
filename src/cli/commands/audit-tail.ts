import { defineCommand, PURPOSE_OPTION } from '../command.ts';

export const auditTail = defineCommand({
  name: 'audit tail',
  group: 'Administer',
  summary: 'Show the newest audit events',
  positionals: [],
  options: {
    follow: { type: 'boolean', short: 'f', description: 'Go on with what is added, until Ctrl-C' },
    lines: { type: 'string', short: 'n', value: '<number>', description: 'How many (default 20)' },
    operation: { type: 'string', value: '<name>', description: 'Of this operation only' },
    principal: { type: 'string', value: '<subject>', description: 'Of this principal only' },
    server: { type: 'string', value: '<name>', description: 'Of this server only' },
    outcome: { type: 'string', value: '<code>', description: 'OK or an error code' },
    ...PURPOSE_OPTION,
  },
  examples: [
    { line: 'howdah audit tail --follow', does: 'watch what is called' },
    { line: 'howdah audit tail --outcome FORBIDDEN --json', does: 'one event a line, whole' },
  ],
  run: async (shell, { values }) => (await import('../read-audit.ts')).tail(shell, values),
});
