import { z } from 'zod';
import {
  defineTool,
  hiddenFrom,
  limitInput,
  readWithTexts,
  statementsOf,
  tellWithheld,
  withoutOtherDatabases,
} from '../kit/index.ts';
import { foldLoad, GROUPINGS } from './fold-load.ts';
import { judgeLoad } from './judge-load.ts';
import { judgeEvictions } from './judge-statements.ts';
import { notRecorded } from './not-recorded.ts';
import { loadRow } from './load-row.ts';
import { jitCost, statementCounting, statementLoad } from './statement-costs.ts';

const PARTS = { statementLoad, statementCounting, jitCost };
const percent = z.number().min(0).max(100);
const TYPES = { what: 'the types of other roles’ statements', privilege: 'pg_read_all_stats' } as const;

export default defineTool({
  name: 'statement_load',
  area: 'statements',
  title: 'Load by database or role',
  description: 'What statements cost by database, role or type, with shares. Needs pg_stat_statements.',
  input: {
    group_by: z.enum(GROUPINGS).default('database'),
    limit: limitInput(),
  },
  thresholds: {
    max_jit_percent: percent.default(10).describe('Report compiling with a larger share of the execution time.'),
    max_planning_percent: percent.default(50).describe('Report planning with a larger share of all time.'),
  },
  output: {
    about: statementCounting.shape.extend({ texts_read: z.boolean() }),
    rows: z.array(z.object(loadRow)),
    truncated: z.boolean(),
    total: z.int().min(0),
  },
  statements: statementsOf(PARTS),
  async run(input, target, { persona }) {
    const { facts, load, counting, jit, texts_read } = await readWithTexts(target, async (session, texts) => {
      const read_texts = texts && input.group_by === 'statement_type';
      return {
        facts: session.facts,
        load: await statementLoad.read(session, { by_role: input.group_by.includes('role'), read_texts }),
        counting: await statementCounting.read(session, {}),
        jit: await jitCost.read(session, {}),
        texts_read: texts,
      };
    });
    const [about] = counting;
    if (!about) throw new Error('a select without a relation has one row');
    const shown = withoutOtherDatabases(load, statementLoad.disclosure, (database) => target.mayShow(database));
    const { rows, totals } = foldLoad(shown, input.group_by);
    const evidence = { facts, input: { order_by: input.group_by } };
    return {
      about: { ...about, texts_read },
      rows: rows.slice(0, input.limit),
      truncated: rows.length > input.limit,
      total: rows.length,
      facts,
      findings: [
        ...judgeEvictions(about, facts.service),
        ...judgeLoad(totals, input, { service: facts.service, ...jit[0] }),
      ],
      not_examined: [
        ...tellWithheld(load.length - shown.length, persona.name),
        ...(input.group_by === 'statement_type' ? hiddenFrom(facts.role, [TYPES]) : []),
        ...notRecorded({ ...about, texts_read }, evidence),
      ],
    };
  },
});
