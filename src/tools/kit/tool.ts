import { z } from 'zod';
import type { CallContext, ReachedDatabase } from '../../calls/context.ts';
import type { ArgumentNames, Operation, Output } from '../../calls/operation.ts';
import type { ChartSpec } from '../../contract/chart.ts';
import type { AccessClass } from '../../contract/access-class.ts';
import { Finding, NotExamined } from '../../contract/finding.ts';
import { composeAnswer } from './answer.ts';
import { inputOf, unlistedOf, type NO_THRESHOLDS, type Reach } from './inputs.ts';
import { hiddenFrom, type Sees } from './privileges.ts';
import type { ConnectionFacts } from '../../postgres/database.ts';
import type { Statement } from '../../postgres/sql.ts';

/** Where a tool belongs, in the order in which a server is examined; the folder of its file is its kebab-case name. */
export const AREAS = [
  'server',
  'activity',
  'locks',
  'progress',
  'statements',
  'schema',
  'tables',
  'indexes',
  'sequences',
  'partitions',
  'vacuum',
  'bloat',
  'storage',
  'memory',
  'io',
  'wal',
  'replication',
  'logical_replication',
  'configuration',
  'security',
  'extensions',
  'pgbouncer',
  'sql',
] as const;
export type Area = (typeof AREAS)[number];

/** The fields of a row, each of which one column of a statement becomes. */
export type RowShape = Readonly<Record<string, z.ZodType>>;

/** A statement of a tool, for the reference and the tests: its text on each version that has one of its own. */
export interface ToolStatement extends Statement {
  readonly since: string;
}

/** An operation that is served over MCP. */
export interface Tool extends Operation {
  readonly kind: 'tool';
  readonly area: Area;
  readonly statements: readonly ToolStatement[];
  /** Said of a tool that asks a server; Reach has what each means. */
  readonly clusterWide?: boolean;
  readonly charts?: readonly ChartSpec[];
  readonly judges?: boolean;
  readonly sees?: readonly Sees[];
  readonly cost?: string | undefined;
}

/** What every answer about a server has beside its own parts. */
export const commonOutput = {
  server: z.string(),
  database: z.string(),
  findings: z.array(Finding),
  not_examined: z.array(NotExamined).optional(),
} as const;

type Values<Input extends z.ZodRawShape> = z.output<z.ZodObject<Input>>;

/** What `run` gives: the parts of the answer, what was found and not examined, and the facts of the connection, if it has one, that `sees` and next steps depend on. */
type Made<Parts> = Parts & {
  findings: Finding[];
  not_examined?: NotExamined[];
  facts: Pick<ConnectionFacts, 'role' | 'inRecovery'> | undefined;
};

export interface ToolSpec<
  Input extends z.ZodRawShape,
  Parts extends z.ZodRawShape,
  Thresholds extends z.ZodRawShape,
> extends Reach {
  /** snake_case, as the model sees it; the file has the same name in kebab-case. */
  readonly name: string;
  readonly area: Area;
  readonly accessClass?: AccessClass;
  readonly title: string;
  /** At most 25 words. */
  readonly description: string;
  readonly alsoKnownAs?: Readonly<Record<string, ArgumentNames>>;
  readonly input: Input;
  readonly thresholds?: Thresholds;
  /** The parts of the answer beside `server`, `database`, `findings` and `not_examined`. */
  readonly output: Parts;
  readonly statements: readonly ToolStatement[];
  readonly run: (
    input: Values<Input & Thresholds>,
    target: ReachedDatabase,
    context: CallContext,
  ) => Promise<Made<z.output<z.ZodObject<Parts>>>>;
}

/** Makes a tool of a declaration that runs statements of its own; `defineDiagnostic` suits one statement and its rows. */
export function defineTool<
  Input extends z.ZodRawShape,
  Parts extends z.ZodRawShape,
  Thresholds extends z.ZodRawShape = typeof NO_THRESHOLDS,
>(spec: ToolSpec<Input, Parts, Thresholds>): Tool {
  const { name, area, title, description, statements } = spec;
  return {
    kind: 'tool',
    name,
    area,
    title,
    description,
    statements,
    accessClass: spec.accessClass ?? 'diagnostic',
    alsoKnownAs: spec.alsoKnownAs ?? {},
    reaches: 'server',
    ...requestOf(spec, spec.input),
    output: z.object({ ...commonOutput, ...spec.output }),
    async run(context): Promise<Output> {
      const target = requireTarget(context);
      const input = context.input as Values<Input & Thresholds>;
      const { findings, not_examined = [], facts, ...parts } = await spec.run(input, target, context);
      const gaps = [...not_examined, ...(facts ? hiddenFrom(facts.role, spec.sees ?? []) : [])];
      return composeAnswer(target, { findings, gaps, facts }, parts);
    },
  };
}

/** What a call of a tool that asks a server is given, and how long it may take. */
export function requestOf(
  spec: Reach,
  own: z.ZodRawShape,
): Pick<Tool, 'input' | 'unlisted' | 'timeoutMs' | keyof Omit<Reach, 'thresholds' | 'seldom' | 'timeoutS' | 'waitsS'>> {
  const input = inputOf(spec, own);
  const { clusterWide = false, charts = [], judges = true, sees = [], cost, waitsS = () => 0 } = spec;
  return {
    input,
    unlisted: unlistedOf(spec, input),
    timeoutMs: (given) => (Number(given['timeout_s']) + waitsS(given)) * 1000,
    clusterWide,
    charts,
    judges,
    sees,
    cost,
  };
}

export function requireTarget({ target }: CallContext): ReachedDatabase {
  if (target) return target;
  throw new Error('the pipeline gave no target to an operation that reaches a server');
}
