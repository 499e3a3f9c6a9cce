import { z } from 'zod';
import { advise } from './advice/advise.ts';
import { adviceRow, adviceRows, advisedStatement, statementRows } from './advice/advice-rows.ts';
import { gatherStatements, workloadStatements, type Gathered } from './advice/gathered.ts';
import { dropParts, judgeDrops, readDrops } from './advice/drops.ts';
import { judgeAdvice } from './advice/judge-advice.ts';
import { readKnownTables, TABLE_PARTS, type KnownTables } from './advice/known-tables.ts';
import { withProof, type Proof } from './advice/proof.ts';
import { readStatement } from './advice/read-statement.ts';
import { workload } from './advice/workload.ts';
import { defineTool, statementLength, statementsOf } from '../kit/index.ts';

/** Beyond this, the answer is composed of what was found by then. */
const LAST_SHARE = 0.4;
const TIMEOUT_S = 30;
/** Whoever asks about one run of a statement wants no index to save a few pages of it. */
const LEAST_COST = 10;

export default defineTool({
  name: 'index_advice',
  area: 'indexes',
  accessClass: 'query',
  title: 'Index advice',
  description:
    'Indexes that queries, or the workload in pg_stat_statements, would gain by; proven where HypoPG is installed.',
  alsoKnownAs: { analyze_query_indexes: { queries: 'statements' }, analyze_workload_indexes: {} },
  input: {
    statements: z.array(z.string()).min(1).max(20).optional().describe('Left out: the workload.'),
    limit: z.int().min(1).max(100).default(20).describe('Of the workload, so many statements.'),
    max_size: z.int().min(0).default(10_737_418_240).describe('Bytes that all indexes together may take.'),
    min_calls: z.int().min(1).default(2),
    statement_length: statementLength,
  },
  seldom: ['max_size', 'min_calls'],
  thresholds: {
    min_gain_percent: z
      .number()
      .min(0)
      .max(100)
      .default(0.5)
      .describe('Of the cost of all statements, for each index.'),
    min_rows: z.int().min(0).default(1000).describe('Pass over smaller tables.'),
  },
  judges: false,
  timeoutS: TIMEOUT_S,
  cost: 'It has the planner make hundreds of plans, and runs none of them.',
  sees: [],
  output: { rows: z.array(adviceRow), statements: z.array(advisedStatement), truncated: z.boolean() },
  statements: statementsOf({ workload, ...TABLE_PARTS, ...dropParts }),
  async run(input, target, context) {
    const { deadline, statementTexts } = context;
    const end = deadline.remainingMs() * LAST_SHARE;
    const asked = input.statements
      ? await gatherStatements(input.statements, statementTexts)
      : await workloadStatements(target, input, statementTexts);
    const known = await readKnownTables(
      target,
      asked.statements.map(({ tree }) => tree),
      statementTexts,
    );
    const isOver = () => deadline.remainingMs() <= end;
    const { result: advice, gaps } = await withProof({ asked, known, isOver }, target, context, (proof) =>
      adviseBy(proof, { input, asked, known, isOver }),
    );
    const drops = await readDrops(target, known.all);
    const cut = advice.cutShort ? [CUT_SHORT] : [];
    return {
      rows: adviceRows(advice),
      statements: await statementRows(asked, advice, { texts: statementTexts, length: input.statement_length }),
      truncated: false,
      facts: known.facts,
      findings: [...judgeAdvice(advice.indexes), ...judgeDrops(drops), ...target.callers.warnings()],
      not_examined: [...asked.gaps, ...known.unreadable, ...gaps, ...drops.unreadable, ...cut],
    };
  },
});

interface Material {
  readonly input: { readonly max_size: number; readonly min_gain_percent: number; readonly min_rows: number };
  readonly asked: Gathered;
  readonly known: KnownTables;
  readonly isOver: () => boolean;
}

function adviseBy({ costOf, path, isPlannable }: Proof, { input, asked, known, isOver }: Material) {
  const lookup = known.lookup(path);
  return advise({
    statements: asked.statements.map(({ tree, calls }, place) => ({
      use: readStatement(tree, lookup),
      calls,
      isPlannable: isPlannable(place),
    })),
    tables: known.all,
    major: known.facts.major,
    trigram: known.extension('pg_trgm')?.schema,
    costOf,
    maxSize: input.max_size,
    minGain: input.min_gain_percent / 100,
    leastGain: asked.areCallers ? LEAST_COST : 0,
    minRows: input.min_rows,
    writesPerCount: asked.writesPerCount,
    isOver,
  });
}

const CUT_SHORT = {
  what: 'some of the indexes that could help',
  reason: 'Time ran out before all of them were tried.',
  remedy: 'Call again with fewer statements or a higher timeout_s.',
};
