import { defineCommand, PURPOSE_OPTION } from '../command.ts';
import { AUDIT_FILTERS } from './audit-options.ts';

export const auditSearch = defineCommand({
  name: 'audit search',
  group: 'Administer',
  summary: 'Search the audit log in the store, newest first',
  positionals: [],
  options: {
    ...AUDIT_FILTERS,
    limit: {
      type: 'string',
      short: 'n',
      value: '<number>',
      description: 'Events of a page (default 50, at most 1000)',
    },
    cursor: { type: 'string', value: '<text>', description: 'The page behind this one; the end of a page prints it' },
    ...PURPOSE_OPTION,
  },
  examples: [
    { line: 'howdah audit search --since 1h --outcome denied', does: 'what was refused in the last hour' },
    { line: 'howdah audit search --principal ada --server shop', does: 'what one caller did on one server' },
    { line: 'howdah audit search --operation class:query --json', does: 'every column, and `next` for the next page' },
  ],
  notes: 'A search by a part of a text looks at the last seven days, unless --since says otherwise.',
  run: async (shell, { values }) => (await import('../search-audit.ts')).search(shell, values),
});
