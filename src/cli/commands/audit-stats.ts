import { defineCommand, PURPOSE_OPTION } from '../command.ts';
import { AUDIT_FILTERS } from './audit-options.ts';

const { kind: _, ...filters } = AUDIT_FILTERS;

export const auditStats = defineCommand({
  name: 'audit stats',
  group: 'Administer',
  summary: 'Count calls by time, caller, operation, server or outcome; list sessions',
  positionals: [],
  options: {
    by: {
      type: 'string',
      value: '<what>',
      description: 'total, hour, day, principal, persona, operation, server or outcome (default day)',
    },
    sessions: { type: 'boolean', description: 'Sessions instead: calls without a pause of 30 minutes' },
    ...filters,
    limit: { type: 'string', short: 'n', value: '<number>', description: 'Most lines' },
    ...PURPOSE_OPTION,
  },
  examples: [
    { line: 'howdah audit stats --by operation --since 7d', does: 'what is called most, and how long it takes' },
    { line: 'howdah audit stats --by hour --since 1d --server shop', does: 'one server, hour by hour' },
    { line: 'howdah audit stats --sessions --principal ada', does: 'when one caller was at work' },
  ],
  notes: 'Without --since it looks at the last 30 days, and for sessions at the last day.',
  run: async (shell, { values }) => (await import('../search-audit.ts')).stats(shell, values),
});
