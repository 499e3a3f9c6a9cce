import { z } from 'zod';
import {
  defineTool,
  limitInput,
  maskStatements,
  statementLength,
  statementsOf,
  tellWithheld,
  readShown,
} from '../kit/index.ts';
import { judgeErrors } from './judge-recent.ts';
import { aboutBuckets, recentErrors, recentStatements } from './recent.ts';
import { recentRow } from './recent-row.ts';

const PARTS = { recentStatements, recentErrors, aboutBuckets };
const name = z.string().min(1).max(63).optional();
const row = z.object(recentRow);

export default defineTool({
  name: 'recent_statements',
  area: 'statements',
  title: 'Recent statements',
  description: 'What ran in the last minutes, by bucket of time and client; errors. Needs pg_stat_monitor.',
  // its database_name chose where to connect, and so does ours
  alsoKnownAs: { get_pg_stat_monitor_recent_queries: { database_name: 'database' } },
  input: {
    order_by: z.enum(['recent', 'total_time', 'mean_time', 'calls', 'rows', 'io', 'temp', 'wal']).default('recent'),
    since_minutes: z.number().min(0).optional(),
    errors_only: z.boolean().default(false),
    of_database: name,
    user: name,
    application: name,
    client_address: z.string().min(1).max(50).optional(),
    min_calls: z.int().min(0).default(0),
    statement_length: statementLength,
    limit: limitInput(15),
  },
  seldom: ['of_database', 'user', 'application', 'client_address', 'min_calls', 'order_by'],
  output: {
    about: aboutBuckets.shape,
    errors: z.array(recentErrors.shape).describe('The most frequent, whatever the limit of rows.'),
    rows: z.array(row),
    truncated: z.boolean(),
    total: z.int().min(0).optional(),
  },
  sees: [{ what: 'texts of other roles’ statements', privilege: 'pg_read_all_stats' }],
  statements: statementsOf(PARTS),
  async run(input, target, { persona, statementTexts }) {
    const { limit, statement_length: length, of_database = null, user = null, application = null, ...rest } = input;
    const { since_minutes = null, client_address = null, order_by, errors_only, min_calls } = rest;
    const filters = { since_minutes, of_database, user, application, client_address };
    const read = await target.readOnly(
      async (session) => ({
        facts: session.facts,
        about: await aboutBuckets.read(session, {}),
        errors: await readShown(target, recentErrors, session, filters),
        statements: await readShown(target, recentStatements, session, {
          ...filters,
          order_by,
          errors_only,
          min_calls,
          limit: limit + 1,
        }),
      }),
      { snapshot: true },
    );
    const [about] = read.about;
    if (!about) throw new Error('a select without a relation has one row');
    const errors = read.errors.rows;
    const shown = read.statements.rows;
    const withheld = read.statements.withheld + read.errors.withheld;
    const rows = shown.slice(0, limit).map((each) => row.parse(each));
    await maskStatements(rows, recentStatements.disclosure, { texts: statementTexts, length });
    return {
      about,
      errors: errors.slice(0, 20),
      rows,
      truncated: shown.length > limit,
      // which would count what is withheld
      ...(withheld === 0 && { total: shown[0]?.total_rows ?? 0 }),
      facts: read.facts,
      findings: judgeErrors(errors),
      not_examined: tellWithheld(withheld, persona.name),
    };
  },
});
