import { z } from 'zod';
import type { StatementTexts } from '../../../sqltext/statement-texts.ts';
import { cutStatement } from '../../kit/index.ts';
import type { Advice } from './advise.ts';
import { definitionOf } from './candidate.ts';
import type { Gathered } from './gathered.ts';
import { savedPercent } from './judge-advice.ts';

const cost = z.number().min(0).nullable();

/** An index that is advised. */
export const adviceRow = z.object({
  number: z.int().min(1),
  definition: z.string().meta({ names: 'text' }),
  schema: z.string().meta({ names: 'schema' }),
  table: z.string().meta({ names: 'table' }),
  proven: z.boolean().describe('By the costs of plans with it; they are estimates too.'),
  size: z
    .int()
    .min(0)
    .nullable()
    .meta({ unit: 'bytes' })
    .describe('Estimated; null where it cannot be told before it is built.'),
  cost_before: cost.describe('Of all runs of its statements, in the units of the planner.'),
  cost_after: cost.describe('With all advised indexes.'),
  saved_percent: z.number().nullable().meta({ unit: 'percent' }),
  for_statements: z.array(z.int()),
  writes: z
    .number()
    .min(0)
    .nullable()
    .describe('Entries that writes since counting began would have added; null on a standby.'),
  replaces: z.array(z.string()).meta({ names: 'index' }),
  purpose: z.string(),
});

/** A statement that advice is about. */
export const advisedStatement = z.object({
  number: z.int().min(1),
  query_id: z.string().nullable(),
  statement: z.string().nullable().meta({ names: 'statement' }),
  calls: z.number().min(0),
  total_ms: z.number().min(0).nullable().meta({ unit: 'ms' }),
  cost_before: cost.describe('Of one run; null where it was not planned.'),
  cost_after: cost,
  indexes: z.array(z.int()).describe('Numbers of advised indexes.'),
});

export function adviceRows({ indexes }: Advice): z.output<typeof adviceRow>[] {
  return indexes.map((each, i) => ({
    number: i + 1,
    definition: definitionOf(each.candidate),
    schema: each.candidate.table.schema,
    table: each.candidate.table.name,
    proven: each.proven,
    size: each.size,
    cost_before: each.costBefore,
    cost_after: each.costAfter,
    saved_percent: savedPercent(each),
    for_statements: each.helps.map((place) => place + 1),
    writes: each.writes,
    replaces: each.replaces.map(({ name }) => name),
    purpose: each.candidate.purpose,
  }));
}

/** Their constants masked, as those of other people are; those of the caller too, which costs nobody anything. */
export async function statementRows(
  { statements }: Gathered,
  advice: Advice,
  { texts, length }: { readonly texts: StatementTexts; readonly length: number },
): Promise<z.output<typeof advisedStatement>[]> {
  const masked = await texts.mask(statements.map(({ text }) => text));
  return statements.map(({ queryId, calls, totalMs }, place) => ({
    number: place + 1,
    query_id: queryId,
    statement: cutStatement(masked[place] ?? null, length),
    calls,
    total_ms: totalMs,
    cost_before: advice.before[place] ?? null,
    cost_after: advice.after[place] ?? null,
    indexes: advice.indexes.flatMap(({ helps }, i) => (helps.includes(place) ? [i + 1] : [])),
  }));
}
