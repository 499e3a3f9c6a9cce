import { z } from 'zod';
import { defineTool, nameInput, ofSome, readParts, schemaInput, statementsOf, tellWithheld } from '../kit/index.ts';
import { assess, VACUUMED_ON_PRIMARY } from './assess.ts';
import { autovacuumSettings, judgeAutovacuum } from './autovacuum-settings.ts';
import { dueTables } from './due-table.ts';
import { horizonHolders, judgeHolder } from './horizon-holders.ts';
import { HINDRANCES } from './hindrance.ts';
import { judgeDue } from './judge-due.ts';
import { vacuumWorkers } from './vacuum-workers.ts';

const PARTS = { autovacuumSettings, dueTables, vacuumWorkers, horizonHolders };

const table = dueTables.shape
  .omit({ running: true, locked: true, due_rows: true, total_rows: true, waiting_rows: true })
  .omit({ vacuumed_s: true, vacuum_took_s: true })
  .extend({
    hindered_by: z.enum(HINDRANCES).nullable().describe('Why it is still due, where that is known.'),
  });

export default defineTool({
  name: 'autovacuum_status',
  area: 'vacuum',
  title: 'Autovacuum',
  description: 'Tables due for VACUUM or ANALYZE by their real thresholds; what hinders it; workers.',
  alsoKnownAs: {
    get_autovacuum_status: { database_name: 'database', schema_name: 'schema', table_pattern: 'name' },
  },
  input: {
    schema: schemaInput,
    name: nameInput,
    due_only: z.boolean().default(false),
    limit: z.int().min(1).max(500).default(20),
  },
  thresholds: {
    overdue_percent: z
      .number()
      .min(100)
      .default(200)
      .describe('Report tables this far beyond a threshold; where autovacuum is off, at 100.'),
    min_rows: z.int().min(0).default(1000).describe('Findings leave out tables with fewer rows to clean or analyse.'),
    max_xmin_age: z.int().min(0).default(1_000_000).describe('Warn of what holds back more transactions than these.'),
  },
  output: {
    settings: autovacuumSettings.shape.nullable(),
    due: z.int().min(0).describe('How many of all that match are due.'),
    rows: z.array(table).describe('The most urgent first.'),
    truncated: z.boolean(),
    total: z.int().min(0),
    running: z.array(vacuumWorkers.shape),
    holders: z
      .array(horizonHolders.shape)
      .describe('Who may still see deleted rows of this database, the oldest first.'),
  },
  sees: [{ what: 'workers, and transactions of other roles that hold back cleanup', privilege: 'pg_read_all_stats' }],
  statements: statementsOf(PARTS),
  async run(input, target, { persona }) {
    const { schema = null, name = null, due_only, limit, overdue_percent } = input;
    const values = { schema, name, due_only, aged_only: false, overdue_percent, limit: limit + 1 };
    const { facts, parts, unreadable, withheld } = await readParts(target, PARTS, values);
    const [settings] = parts.autovacuumSettings;
    const holders = parts.horizonHolders;
    const assessed = assess(
      parts.dueTables.slice(0, limit),
      { settings, holders, inRecovery: facts.inRecovery },
      input,
    );
    const rows = assessed.rows.map((each) => table.parse(each));
    const truncated = parts.dueTables.length > limit;
    const [{ due_rows: due, total_rows: total, waiting_rows: waiting } = NO_TABLES] = parts.dueTables;
    return {
      settings: settings ?? null,
      due,
      rows,
      truncated,
      total,
      running: [...parts.vacuumWorkers],
      holders: [...holders],
      facts,
      findings: [
        ...(settings && !facts.inRecovery ? judgeAutovacuum(settings, { due, waiting, service: facts.service }) : []),
        ...(facts.inRecovery ? [] : judgeHolder(holders, assessed.suspects, input.max_xmin_age)),
        ...(truncated ? ofSome(judgeDue(rows, input)) : judgeDue(rows, input)),
      ],
      not_examined: [
        ...[...withheld].flatMap(([what, count]) => tellWithheld(count, persona.name, [what])),
        ...unreadable,
        ...(facts.inRecovery ? [VACUUMED_ON_PRIMARY] : []),
      ],
    };
  },
});

const NO_TABLES = { due_rows: 0, total_rows: 0, waiting_rows: 0 };
