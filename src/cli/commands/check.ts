import { defineCommand, PURPOSE_OPTION } from '../command.ts';

export const check = defineCommand({
  name: 'check',
  group: 'Look',
  summary: 'Grade a server and show its worst findings, with the SQL that would mend them',
  positionals: ['[url]'],
  options: {
    server: { type: 'string', value: '<name>', description: 'Server of the configuration' },
    database: { type: 'string', value: '<name>', description: 'Database; by default the one that the URL names' },
    all: { type: 'boolean', description: 'Show every finding' },
    ...PURPOSE_OPTION,
  },
  examples: [
    {
      line: 'howdah check postgresql://monitor@db.example.org/shop',
      does: 'the password comes from PGPASSWORD or ~/.pgpass',
    },
    { line: 'PGSERVICE=shop howdah check --all', does: "libpq's environment is taken too" },
    { line: 'howdah check --json', does: 'for a program' },
  ],
  notes: [
    'Grades count kinds of problem, not objects: F is three critical kinds or more, D one or two, C four warning kinds',
    'or more, B one to three, A none. Nothing is changed: every statement runs in a read-only transaction.',
  ].join('\n'),
  run: async (shell, { positionals: [url], values }) => {
    const { runCheck } = await import('../check/run-check.ts');
    return runCheck(shell, { url, server: values.server, database: values.database, all: values.all === true });
  },
});
