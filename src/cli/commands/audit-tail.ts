import { defineCommand, PURPOSE_OPTION } from '../command.ts';
import { AUDIT_FILTERS, FILES } from './audit-options.ts';

export const auditTail = defineCommand({
  name: 'audit tail',
  group: 'Administer',
  summary: 'Show the newest audit events',
  positionals: [],
  options: {
    follow: { type: 'boolean', short: 'f', description: 'Go on with what is added, until Ctrl-C' },
    lines: { type: 'string', short: 'n', value: '<number>', description: 'How many (default 20)' },
    ...AUDIT_FILTERS,
    ...FILES,
    ...PURPOSE_OPTION,
  },
  examples: [
    { line: 'howdah audit tail --follow', does: 'watch what is called' },
    { line: 'howdah audit tail --outcome FORBIDDEN --json', does: 'one event a line, whole' },
  ],
  run: async (shell, { values }) => (await import('../read-audit.ts')).tail(shell, values),
});
