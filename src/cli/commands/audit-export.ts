import { defineCommand, PURPOSE_OPTION } from '../command.ts';
import { AUDIT_FILTERS, FILES } from './audit-options.ts';

export const auditExport = defineCommand({
  name: 'audit export',
  group: 'Administer',
  summary: 'Write audit events out as JSON lines or CSV, oldest first',
  positionals: [],
  options: {
    ...AUDIT_FILTERS,
    ...FILES,
    format: { type: 'string', value: '<jsonl|csv>', description: 'JSON lines by default' },
    out: {
      type: 'string',
      short: 'o',
      value: '<file>',
      description: 'A new file, for its owner alone; else standard output',
    },
    ...PURPOSE_OPTION,
  },
  examples: [
    { line: 'howdah audit export --since 2026-01-01 --until 2026-02-01 --out january.jsonl', does: 'one month' },
    { line: 'howdah audit export --outcome denied --format csv --out denied.csv', does: 'for a spreadsheet' },
  ],
  notes: 'An export is on record: its filters before the first event leaves, how many events and bytes at its end.',
  run: async (shell, { values }) => (await import('../export-audit.ts')).exportAudit(shell, values),
});
