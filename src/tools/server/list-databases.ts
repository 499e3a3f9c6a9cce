import { z } from 'zod';
import { defineTool, statementsOf, tellWithheld } from '../kit/index.ts';
import { databaseNames, databasePage, type DatabaseRow } from './database-page.ts';
import { unmeasured } from './databases.ts';
import { judgeDatabases } from './judge-databases.ts';

export default defineTool({
  name: 'list_databases',
  area: 'server',
  title: 'Databases',
  description: 'Databases: size, owner, locale, connections, transaction id age; collations that changed.',
  alsoKnownAs: { get_database_list: {}, get_database_size_info: {} },
  clusterWide: true,
  input: {
    sort: z.enum(['name', 'size', 'age', 'connections']).default('name').describe('By size, all of them are measured.'),
    limit: z.int().min(1).max(500).default(50),
  },
  thresholds: {
    max_connection_percent: z
      .number()
      .min(0)
      .max(100)
      .default(80)
      .describe('Warn when more of the limit of a database is taken.'),
    max_wraparound_percent: z
      .number()
      .min(0)
      .max(100)
      .default(50)
      .describe('Warn when more transaction ids are used up.'),
  },
  charts: [{ label: ['database'], values: ['size'] }],
  output: {
    rows: z.array(databasePage.shape),
    truncated: z.boolean(),
    total: z.int().min(0).describe('Databases that you may see.'),
    total_size: z
      .int()
      .nullable()
      .meta({ unit: 'bytes' })
      .describe('Of all of them; null unless every one was measured.'),
  },
  statements: statementsOf({ databaseNames, databasePage }),
  async run({ sort, limit, ...thresholds }, target, { persona }) {
    const { facts, all, shown, read } = await target.readOnly(
      async (session) => {
        const named = await databaseNames.read(session, {});
        const oids = named.filter(({ database }) => target.mayShow(database)).map(({ oid }) => oid);
        return {
          facts: session.facts,
          all: named.length,
          shown: oids.length,
          read: await databasePage.read(session, { oids, sort, limit: limit + 1 }),
        };
      },
      { snapshot: true },
    );
    const rows = read.slice(0, limit);
    return {
      facts,
      findings: judgeDatabases(rows, thresholds, facts.inRecovery),
      rows,
      truncated: read.length > limit,
      total: shown,
      total_size: read.length > limit ? null : totalSize(rows),
      not_examined: [...tellWithheld(all - shown, persona.name), ...unmeasured(rows)],
    };
  },
});

function totalSize(rows: readonly DatabaseRow[]): number | null {
  return rows.reduce<number | null>((sum, { size }) => (sum === null || size === null ? null : sum + size), 0);
}
