import { databaseArgument, defineRunbook, numbered, passing, serverArgument } from './runbook.ts';

export const beforeAMigration = defineRunbook({
  name: 'before_a_migration',
  title: 'Before a migration',
  description: 'Checks whether a schema change of a table is safe to run now, and how.',
  arguments: [
    serverArgument,
    databaseArgument,
    { name: 'schema', description: 'Schema of the table.', required: false },
    { name: 'table', description: 'The table that will change.', required: true },
  ],
  tools: ['server_overview', 'activity', 'top_statements', 'describe_table'],
  write({ schema = 'public', table, ...place }) {
    const where = passing(place);
    const target = JSON.stringify(`${schema}.${table ?? ''}`);
    return [
      `Check whether a schema change of the table ${target} is safe to run. Ask for the statements of the migration if you do not have them. Call each tool${where || ' on the default server'} and change nothing.`,
      numbered([
        `\`describe_table\`${passing({ schema, ...(table !== undefined && { table }) })}: size, indexes, foreign keys in both directions, triggers, partitions. Which statement rewrites the table or scans all of it, and which lock does it take?`,
        '`activity`: transactions that have been open for long, and who waits for whom. An ALTER TABLE that waits for one of them stops everyone who comes after it.',
        '`top_statements`: which statements read or write this table, and how often. They are what would wait.',
        '`server_overview`: version (what a statement costs depends on it), standbys and their lag, free connections.',
      ]),
      'Answer with: go or wait, and why; for each statement its lock, what it blocks and for about how long at this size; the safer form where there is one (CREATE INDEX CONCURRENTLY, ADD CONSTRAINT … NOT VALID then VALIDATE, a batched update); a lock_timeout to set; how to tell that it went well, and the way back.',
    ].join('\n\n');
  },
});
