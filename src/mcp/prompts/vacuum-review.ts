import { databaseArgument, numbered, passing, serverArgument, type Prompt } from './prompt.ts';

export const vacuumReview: Prompt = {
  name: 'vacuum_review',
  title: 'Vacuum review',
  description: 'Looks at dead rows, autovacuum and transaction id wraparound, and says what to change.',
  arguments: [
    serverArgument,
    databaseArgument,
    { name: 'schema', description: 'One schema; all of them when left out.', required: false },
  ],
  tools: ['server_overview', 'activity', 'list_tables', 'describe_table'],
  write({ schema, ...place }) {
    const where = passing(place);
    const one = schema === undefined ? '' : ` and schema ${JSON.stringify(schema)}`;
    return [
      `Review vacuuming of PostgreSQL. Call each tool${where || ' on the default server'} and change nothing.`,
      numbered([
        '`server_overview`: age of the oldest transaction id against autovacuum_freeze_max_age, and settings of autovacuum. Wraparound comes before everything else.',
        '`activity`: transactions open for a long time, idle in transaction too. They keep every vacuum from removing rows; so do replication slots and prepared transactions.',
        `\`list_tables\`${one} with order_by "dead_rows": tables with many dead rows, with autovacuum off, or not vacuumed or analyzed for long.`,
        '`describe_table` for the worst of them: are there settings of its own, is it append-only, are there indexes that make each vacuum dear?',
      ]),
      'Answer with a table of the relations that need attention (dead rows, share of all rows, last vacuum, the setting that decides), the cause for each, and the statements a person could run, the least disruptive first. Prefer settings of the one table to global ones; propose VACUUM FULL only with its lock spelt out.',
    ].join('\n\n');
  },
};
