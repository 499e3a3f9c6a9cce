import { z } from 'zod';
import type { CallersSession, ExplainOptions } from '../../calls/callers-sql.ts';
import type { CallContext, ReachedDatabase } from '../../calls/context.ts';
import { PlatformError } from '../../core/errors.ts';
import type { Approved } from '../../guard/guard.ts';
import { parameterText } from '../../postgres/parameter-text.ts';
import { defineTool, statementsOf, type NotExamined } from '../kit/index.ts';
import { TABLE_PARTS } from '../indexes/advice/known-tables.ts';
import { comparePlans, planComparison, type PlanComparison } from './compare-plans.ts';
import { parameterInput, readParameters } from './given-parameters.ts';
import { hiddenIndexes, NO_TRIAL, prepareTrial, type Trial } from './index-trial.ts';
import { judgePlan, planThresholds } from './judge-plan.ts';
import type { Plan } from './plan.ts';
import { renderPlan } from './plan-tree.ts';
import { readPlan } from './read-plan.ts';
import { readTableRows } from './table-rows.ts';

const MAX_SQL = 1_000_000;
/** Each is parsed, and may be as long as a statement. */
const definition = z.string();

const input = {
  sql: z.string().min(1).max(MAX_SQL).describe('Not EXPLAIN itself.'),
  parameters: z.array(parameterInput).optional().describe('As of query; without: for all values.'),
  analyze: z.boolean().default(false).describe('Runs it.'),
  generic: z.boolean().default(false).describe('The plan for all values of $1, $2 …; also where none are given.'),
  compare_with: z
    .unknown()
    .optional()
    .meta({
      anyOf: ['string', 'object', 'array'].map((type) => ({ type })),
      description: 'Another query, or an earlier plan.',
    }),
  hypothetical_indexes: z.array(definition).max(10).optional().describe('CREATE INDEX …'),
  hide_indexes: z.array(definition).max(10).optional().describe('Planned without. Needs HypoPG 1.4.'),
  format: z.enum(['tree', 'json', 'both']).default('tree').describe('json: the plan as data, to compare with later.'),
};

export default defineTool({
  name: 'explain_query',
  area: 'sql',
  accessClass: 'query',
  title: 'Explain query',
  description: 'How a query is or would be run: its plan, what is wrong with it, with indexes to try.',
  input,
  seldom: ['generic', 'hide_indexes', 'format'],
  thresholds: planThresholds,
  judges: false,
  timeoutS: 30,
  cost: 'A plan costs next to nothing; with analyze it costs what the query costs.',
  output: {
    tree: z.string().nullable(),
    plan: z.record(z.string(), z.unknown()).optional(),
    other_tree: z.string().optional(),
    comparison: planComparison.optional(),
    generic: z.boolean(),
    analyzed: z.boolean(),
  },
  statements: statementsOf({ hiddenIndexes, tables: TABLE_PARTS.tables }),
  async run(given, target, context) {
    requireSense(given);
    const approved = await target.callers.admit(given.sql);
    const asked = await prepare(given, approved, { target, context });
    const { plan, other, facts } = await target.callers.readOnly((session) => explainAll(session, asked));
    const comparison = other && compare(plan, other, asked.trial);
    const rows = given.analyze ? undefined : await readTableRows(target, plan);
    return {
      tree: given.format === 'json' ? null : renderPlan(plan),
      ...(given.format !== 'tree' && { plan: { ...plan } }),
      ...(other && given.format !== 'json' && { other_tree: renderPlan(other) }),
      ...(comparison && { comparison }),
      generic: asked.options.generic === true,
      analyzed: given.analyze,
      facts,
      findings: [
        ...judgePlan(plan, { thresholds: given, rowsOf: rows?.rowsOf ?? (() => undefined) }),
        ...target.callers.warnings(),
      ],
      not_examined: [...(rows?.unreadable ?? []), ...(given.analyze ? [] : [NOT_RUN])],
    };
  },
});

type Given = z.output<z.ZodObject<typeof input>>;

/** What is planned, and how. */
interface Asked {
  readonly approved: Approved;
  readonly options: ExplainOptions;
  readonly trial: Trial;
  readonly other: { readonly approved: Approved; readonly options: ExplainOptions } | Plan | undefined;
}

function requireSense({ analyze, generic, parameters, hypothetical_indexes, hide_indexes }: Given): void {
  const problem =
    analyze && generic
      ? 'A plan for all values cannot be run.'
      : generic && parameters !== undefined
        ? 'A plan for all values takes none.'
        : analyze && (hypothetical_indexes ?? hide_indexes) !== undefined
          ? 'A plan with indexes that are not there cannot be run.'
          : undefined;
  if (problem !== undefined) throw new PlatformError('INVALID_INPUT', problem, { hint: 'Leave one of the two out.' });
}

async function prepare(
  given: Given,
  approved: Approved,
  { target, context }: { readonly target: ReachedDatabase; readonly context: CallContext },
): Promise<Asked> {
  const { callers } = target;
  const options = optionsFor(approved, given);
  const trial = await prepareTrial(given, {
    target,
    texts: context.statementTexts,
    path: approved.facts?.path ?? ['public'],
  });
  const { compare_with } = given;
  const isText = typeof compare_with === 'string' && !/^\s*[[{]/.test(compare_with);
  if (compare_with !== undefined && trial !== NO_TRIAL) {
    throw new PlatformError('INVALID_INPUT', 'A plan with indexes to try is compared with the one without.', {
      hint: 'Leave out compare_with.',
    });
  }
  const second = isText ? await callers.admit(compare_with) : undefined;
  const all = [approved, ...(second ? [second] : [])];
  context.willRun({
    sql: all.map(({ text }) => text).join(';\n'),
    parameters: (options.parameters ?? []).map(({ value }) => parameterText(value)),
    relations: [...new Set(all.flatMap(relationNames))].toSorted(),
  });
  if (second) return { approved, options, trial, other: { approved: second, options: optionsFor(second, given) } };
  return { approved, options, trial, other: compare_with === undefined ? undefined : readPlan(compare_with) };
}

function relationNames({ relations }: Approved): string[] {
  return relations.map(({ schema, name }) => `${schema}.${name}`);
}

/** Without values for its parameters, a statement has the plan for all of them; so has a text of pg_stat_statements. */
function optionsFor({ parameters }: Approved, given: Given): ExplainOptions {
  const common = { verbose: true, settings: true };
  if (given.generic || (given.parameters === undefined && parameters > 0)) {
    if (given.analyze) {
      throw new PlatformError(
        'INVALID_INPUT',
        `The statement has ${parameters} parameters, and none were given to run it with.`,
        {
          hint: 'Give parameters, or leave analyze out.',
        },
      );
    }
    return { ...common, generic: true };
  }
  const values = readParameters((given.parameters ?? []).slice(0, Math.max(parameters, given.parameters?.length ?? 0)));
  return { ...common, parameters: values, ...(given.analyze && { analyze: true, buffers: true }) };
}

async function explainAll(session: CallersSession, { approved, options, trial, other }: Asked) {
  const { facts } = session;
  const plan = readPlan(await session.explain(approved, options));
  if (trial !== NO_TRIAL) {
    await trial.begin(session);
    return { plan: readPlan(await session.explain(approved, options)), other: plan, facts };
  }
  if (other === undefined || 'root' in other) return { plan, other, facts };
  return { plan, other: readPlan(await session.explain(other.approved, other.options)), facts };
}

/** With indexes to try, what was comes first. */
function compare(plan: Plan, other: Plan, trial: Trial): PlanComparison {
  return trial === NO_TRIAL ? comparePlans(plan, other) : comparePlans(other, plan);
}

const NOT_RUN: NotExamined = {
  what: 'how many rows there really are, spills to disk, and what it takes',
  reason: 'The query was planned and not run: rows and costs are estimates.',
  remedy: 'Ask with analyze: true, which runs it.',
};
