import { defineCommand } from '../command.ts';

export const sqlCheck = defineCommand({
  name: 'sql check',
  group: 'Look',
  summary: 'Ask the SQL guard whether a statement would be allowed, and why not',
  positionals: ['[statement]'],
  options: {
    persona: {
      type: 'string',
      value: '<name>',
      description: 'By the rules of this persona; without one nothing is hidden',
    },
    server: { type: 'string', value: '<name>', description: 'By what is in a database of this server' },
    database: {
      type: 'string',
      value: '<name>',
      description: 'In this database; by default the one that the URL names',
    },
  },
  examples: [
    { line: 'howdah sql check "SELECT count(*) FROM orders"', does: 'exit code 0 where it is allowed, 3 where not' },
    { line: 'howdah sql check < statement.sql', does: 'the same for a file' },
    { line: 'howdah sql check --json < statements.jsonl', does: 'a verdict for each line, such as {"sql":"SELECT 1"}' },
  ],
  notes:
    'Needs no configuration and no server: without --server the functions, operators and types that PostgreSQL and the trusted extensions come with are known, and no others. Nothing is run. docs/sql-guard.md has the rules.',
  run: async (shell, { positionals: [statement], values }) =>
    (await import('../check-sql.ts')).checkSql(shell, statement, values),
});
