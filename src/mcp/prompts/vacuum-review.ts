import { databaseArgument, defineRunbook, numbered, passing, serverArgument } from './runbook.ts';

export const vacuumReview = defineRunbook({
  name: 'vacuum_review',
  title: 'Vacuum review',
  description: 'Looks at dead rows, autovacuum and transaction id wraparound, and says what to change.',
  arguments: [
    serverArgument,
    databaseArgument,
    { name: 'schema', description: 'One schema; all of them when left out.', required: false },
  ],
  tools: ['server_overview', 'autovacuum_status', 'activity', 'describe_table', 'unused_indexes'],
  write({ schema, ...place }) {
    const where = passing(place);
    const one = schema === undefined ? '' : ` and schema ${JSON.stringify(schema)}`;
    return [
      `Review vacuuming of PostgreSQL. Call each tool${where || ' on the default server'} and change nothing.`,
      numbered([
        '`server_overview`: how much of the transaction ids each database has used up, and who holds vacuum back: the oldest transaction, replication slots, prepared transactions, standbys (`xmin_age`). Wraparound comes before everything else.',
        `\`autovacuum_status\`${one}: which tables are due by their own thresholds, how far beyond, what hinders each, and whether the workers keep up.`,
        '`activity`: transactions that have been open for long, idle ones too: they keep every vacuum from removing rows. Is an autovacuum blocked, or does it block somebody?',
        '`describe_table` for the worst of them, and `unused_indexes`: every index makes every vacuum dearer, and one that nobody reads does so for nothing.',
      ]),
      'Answer with a table of the relations that need attention (dead rows, share of all rows, last vacuum, the setting that decides), the cause for each, and the statements a person could run, the least disruptive first. Prefer settings of the one table to global ones; propose VACUUM FULL only with its lock spelt out.',
    ].join('\n\n');
  },
});
