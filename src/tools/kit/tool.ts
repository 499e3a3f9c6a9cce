import { z } from 'zod';
import type { CallContext, ReachedDatabase } from '../../calls/context.ts';
import type { ArgumentNames, Operation, Output } from '../../calls/operation.ts';
import type { AccessClass } from '../../contract/access-class.ts';
import { Finding, NotExamined } from '../../contract/finding.ts';
import { byUrgency } from './gather.ts';
import type { Statement } from '../../postgres/sql.ts';

/** Where a tool belongs; the folder of its file has the same name. */
export const AREAS = [
  'server',
  'activity',
  'locks',
  'statements',
  'tables',
  'indexes',
  'sequences',
  'vacuum',
  'configuration',
  'replication',
] as const;
export type Area = (typeof AREAS)[number];

/** Inputs that many tools share. They are explained once, in the instructions of the MCP server. */
export const sharedInputs = {
  server: z.string().min(1).max(63).optional(),
  database: z.string().min(1).max(63).optional(),
} as const;

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
}

/** What every answer about a server has beside its own parts. */
export const commonOutput = {
  server: z.string(),
  database: z.string(),
  findings: z.array(Finding),
  not_examined: z.array(NotExamined).optional(),
} as const;

type Values<Input extends z.ZodRawShape> = z.output<z.ZodObject<Input>>;

export interface ToolSpec<Input extends z.ZodRawShape, Parts extends z.ZodRawShape> {
  /** snake_case, as the model sees it; the file has the same name in kebab-case. */
  readonly name: string;
  readonly area: Area;
  readonly accessClass?: AccessClass;
  readonly title: string;
  /** At most 25 words. */
  readonly description: string;
  readonly alsoKnownAs?: Readonly<Record<string, ArgumentNames>>;
  readonly input: Input;
  /** The parts of the answer beside `server`, `database`, `findings` and `not_examined`. */
  readonly output: Parts;
  readonly statements: readonly ToolStatement[];
  readonly run: (
    input: Values<Input>,
    target: ReachedDatabase,
    context: CallContext,
  ) => Promise<z.output<z.ZodObject<Parts>> & { findings: Finding[]; not_examined?: NotExamined[] }>;
}

/** Makes a tool of a declaration that runs statements of its own; `defineDiagnostic` suits one statement and its rows. */
export function defineTool<Input extends z.ZodRawShape, Parts extends z.ZodRawShape>(
  spec: ToolSpec<Input, Parts>,
): Tool {
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
    input: z.strictObject({ ...sharedInputs, ...spec.input }),
    output: z.object({ ...commonOutput, ...spec.output }),
    async run(context): Promise<Output> {
      const target = requireTarget(context);
      const { findings, not_examined, ...parts } = await spec.run(context.input as Values<Input>, target, context);
      return {
        server: target.server.name,
        database: target.database,
        findings: byUrgency(findings),
        ...parts,
        ...examined(not_examined),
      };
    },
  };
}

export function requireTarget({ target }: CallContext): ReachedDatabase {
  if (target) return target;
  throw new Error('the pipeline gave no target to an operation that reaches a server');
}

/** Left out when nothing was left out. */
export function examined(gaps: readonly NotExamined[] | undefined): { not_examined?: readonly NotExamined[] } {
  return gaps === undefined || gaps.length === 0 ? {} : { not_examined: gaps };
}
