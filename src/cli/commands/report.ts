import { defineCommand, PURPOSE_OPTION } from '../command.ts';

export const report = defineCommand({
  name: 'report',
  group: 'Look',
  summary: 'Write the health report of a server: one page with everything in it',
  positionals: ['[url]'],
  options: {
    server: { type: 'string', value: '<name>', description: 'Server of the configuration' },
    database: { type: 'string', value: '<name>', description: 'Database; by default the one that the URL names' },
    out: {
      type: 'string',
      value: '<file>',
      description: 'Where to write it, - for standard output (default report.html)',
    },
    ...PURPOSE_OPTION,
  },
  examples: [
    { line: 'howdah report postgresql://monitor@db.example.org/shop', does: 'writes report.html' },
    { line: 'howdah report -c howdah.yaml --server shop --out shop.html', does: 'a server of the configuration' },
    { line: 'howdah report --json', does: 'prints what the page is made of' },
  ],
  notes: [
    'The page loads nothing from anywhere, sorts its tables by a click, and prints. It holds names, settings and masked',
    'statements of the server: treat it as you treat those. A file that is there is replaced.',
  ].join('\n'),
  run: async (shell, { positionals: [url], values }) => {
    const { runReport } = await import('../report/run-report.ts');
    return runReport(shell, { url, server: values.server, database: values.database, out: values.out });
  },
});
