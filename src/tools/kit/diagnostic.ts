import { z } from 'zod';
import type { CallContext } from '../../calls/context.ts';
import type { ArgumentNames, Output } from '../../calls/operation.ts';
import type { AccessClass } from '../../contract/access-class.ts';
import type { Finding, NotExamined } from '../../contract/finding.ts';
import type { ConnectionFacts } from '../../postgres/database.ts';
import { compileShape } from '../../postgres/exact-values.ts';
import { param, type Param } from '../../postgres/sql.ts';
import type { Variants } from '../../postgres/version.ts';
import { composeAnswer } from './answer.ts';
import { NOTHING_CONCEDED, type Concessions } from './concessions.ts';
import { disclosureOf, requireClosedLast, tellWithheld } from './disclosure.ts';
import { ofSome } from './gather.ts';
import { limitInput, type NO_THRESHOLDS, type Reach } from './inputs.ts';
import { hiddenFrom } from './privileges.ts';
import { guardOf } from './row-guard.ts';
import { readRows, type ReadRows, type RowSource } from './rows.ts';
import { describeStatements } from './statements.ts';
import { commonOutput, requestOf, requireTarget, type Area, type RowShape, type Tool } from './tool.ts';

/** Parameters that every statement may use beside its tool's own inputs: those of Concessions, and the limit. */
type KitParams = {
  readonly [K in keyof Concessions]: Param<K>;
} & {
  /** One more than the caller asked for, so that the last row tells whether there are more. */
  readonly limit: Param<'limit'>;
};

type Params<Input extends z.ZodRawShape> = { readonly [K in keyof Input & string]: Param<K> } & KitParams;
type Row<Shape extends RowShape> = z.output<z.ZodObject<Shape>>;
type Values<Input extends z.ZodRawShape> = z.output<z.ZodObject<Input>>;

/** What `findings` and `notExamined` judge by, beside the rows. */
interface Evidence<Input extends z.ZodRawShape, About extends RowShape> {
  readonly input: Values<Input>;
  readonly facts: ConnectionFacts;
  /** Null when there is no row. */
  readonly about: Row<About> | null;
}

export interface DiagnosticSpec<
  Input extends z.ZodRawShape,
  Shape extends RowShape,
  About extends RowShape,
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
  /** Inputs that the caller may leave out are null in the statement. */
  readonly input: Input;
  readonly thresholds?: Thresholds;
  /** Fields in the order of the table. `.meta({ unit, names })` says how each reads; what `names` does is in Disclosure. */
  readonly row: Shape;
  /** Columns of the statement that are the same in every row: said once, beside the rows. */
  readonly about?: About;
  /** How many rows an answer has unless the caller says otherwise; 20 if left out. */
  readonly defaultLimit?: number;
  /** The statement also selects `count(*) over () as total_rows`, the number of rows without the limit. */
  readonly counted?: boolean;
  /** What to call on a server that is too old for it, in a sentence. */
  readonly instead?: string;
  /** Called once, with references to parameters: the text is static. */
  readonly sql: (params: Params<NoInfer<Input & Thresholds>>) => Variants;
  /** What a DBA would say of these rows. Pure, so that it is tested without a database. */
  readonly findings?: (
    rows: readonly Row<Shape>[],
    evidence: Evidence<NoInfer<Input & Thresholds>, About>,
  ) => Finding[];
  /** What these rows could not show beyond missing rights. */
  readonly notExamined?: (
    rows: readonly Row<Shape>[],
    evidence: Evidence<NoInfer<Input & Thresholds>, About>,
  ) => NotExamined[];
}

export interface Diagnostic<Input extends z.ZodRawShape, Shape extends RowShape, About extends RowShape> extends Tool {
  readonly findings: (rows: readonly Row<Shape>[], evidence: Evidence<Input, About>) => Finding[];
}

/** Makes a tool of one statement: picks its variant, runs it read-only, decodes, masks and judges its rows. */
export function defineDiagnostic<
  const Input extends z.ZodRawShape,
  const Shape extends RowShape,
  const About extends RowShape = RowShape,
  const Thresholds extends z.ZodRawShape = typeof NO_THRESHOLDS,
>(spec: DiagnosticSpec<Input, Shape, About, Thresholds>): Diagnostic<Input & Thresholds, Shape, About> {
  const { name, area, title, description } = spec;
  const variants = spec.sql(paramsOf({ ...spec.input, ...spec.thresholds } as Input & Thresholds));
  const source = sourceOf(spec, variants);
  const statements = describeStatements(variants);
  requireClosedLast(name, source.disclosure, statements);
  return {
    kind: 'tool',
    name,
    area,
    title,
    description,
    findings: spec.findings ?? (() => []),
    statements,
    accessClass: spec.accessClass ?? 'diagnostic',
    alsoKnownAs: spec.alsoKnownAs ?? {},
    reaches: 'server',
    ...requestOf(spec, { ...spec.input, limit: limitInput(spec.defaultLimit) }),
    output: z.object({
      ...commonOutput,
      ...(spec.about && { about: z.object(spec.about).nullable() }),
      rows: z.array(z.object(spec.row)),
      truncated: z.boolean(),
      ...(spec.counted === true && { total: z.int().min(0).optional() }),
    }),
    run: async (context) => answer(spec, await readRows(source, context), context),
  };
}

function answer<
  Input extends z.ZodRawShape,
  Shape extends RowShape,
  About extends RowShape,
  Thresholds extends z.ZodRawShape,
>(spec: DiagnosticSpec<Input, Shape, About, Thresholds>, read: ReadRows, context: CallContext): Output {
  const rows = read.rows as Row<Shape>[];
  const { total_rows: total, ...about } = read.about ?? { total_rows: 0 };
  const evidence: Evidence<Input & Thresholds, About> = {
    input: context.input as Values<Input & Thresholds>,
    facts: read.facts,
    about: read.about && (about as Row<About>),
  };
  const gaps = [
    ...tellWithheld(read.withheld, context.persona.name),
    ...hiddenFrom(read.facts.role, spec.sees ?? []),
    ...(spec.notExamined?.(rows, evidence) ?? []),
  ];
  const judged = spec.findings?.(rows, evidence) ?? [];
  const findings = read.truncated ? ofSome(judged) : judged;
  return composeAnswer(
    requireTarget(context),
    { findings, gaps, facts: read.facts },
    {
      ...(spec.about && { about: evidence.about }),
      rows,
      truncated: read.truncated,
      // which would count what is withheld
      ...(spec.counted === true && read.withheld === 0 && total !== undefined && { total }),
    },
  );
}

function sourceOf<
  Input extends z.ZodRawShape,
  Shape extends RowShape,
  About extends RowShape,
  Thresholds extends z.ZodRawShape,
>(spec: DiagnosticSpec<Input, Shape, About, Thresholds>, variants: Variants): RowSource {
  const about: RowShape = { ...spec.about, ...(spec.counted === true && { total_rows: z.int() }) };
  return {
    tool: spec.name,
    variants,
    instead: spec.instead,
    shape: compileShape({ ...spec.row, ...about }),
    inputs: Object.keys({ ...spec.input, ...spec.thresholds }),
    disclosure: disclosureOf(spec.row),
    aboutFields: Object.keys(about),
    aboutGuard: guardOf(about),
    totals: Object.entries(about).flatMap(([key, type]) => (isNullableNumber(type) ? [key] : [])),
  };
}

function isNullableNumber(type: z.ZodType): boolean {
  return type.safeParse(null).success && type.safeParse(1).success;
}

function paramsOf<Input extends z.ZodRawShape>(input: Input): Params<Input> {
  const names = [...Object.keys(input), 'limit', ...Object.keys(NOTHING_CONCEDED)];
  return Object.fromEntries(names.map((name) => [name, param(name)])) as unknown as Params<Input>;
}
