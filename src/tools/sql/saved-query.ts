import { z } from 'zod';
import type { TypedParameter } from '../../calls/callers-sql.ts';
import type { Config } from '../../config/schema.ts';
import { PlatformError } from '../../core/errors.ts';
import { defineTool, type Tool } from '../kit/index.ts';
import { sharedInputs } from '../kit/inputs.ts';
import { runStatement, statementOutput } from './run-statement.ts';
import { typedParameter, Value } from './typed-parameter.ts';

type Query = Config['queries'][string];
type Parameter = Query['parameters'][number];

/** A tool of each saved query; nobody who may not call it learns that it is there. */
export function createSavedQueries(queries: Config['queries']): Tool[] {
  return Object.entries(queries).map(([name, query]) => createSavedQuery(name, query));
}

function createSavedQuery(name: string, query: Query): Tool {
  const { title = capitalised(name), description, sql, parameters } = query;
  const tool = defineTool({
    name,
    area: 'sql',
    accessClass: 'query',
    title,
    description,
    input: {
      ...Object.fromEntries(parameters.map((parameter) => [parameter.name, inputFor(parameter)])),
      format: z.enum(['rows', 'table', 'csv']).default('rows'),
      limit: z.int().min(1).max(100_000).default(1000),
    },
    seldom: ['format'],
    judges: false,
    timeoutS: 30,
    output: statementOutput,
    statements: [],
    run: async (input, target, context) => {
      const approved = await target.callers.admit(sql);
      const given: Readonly<Record<string, unknown>> = input;
      const values = parameters.map((parameter) => readParameter(parameter, given[parameter.name]));
      return runStatement({ approved, parameters: values, format: input.format, limit: input.limit }, target, context);
    },
  });
  return { ...tool, isHidden: true, ...fixedPlace(tool, query) };
}

/** Where it is for one place, a call cannot name another, and a list need not tell. */
function fixedPlace(tool: Tool, { server, database }: Query): Partial<Tool> {
  const places = {
    ...(server !== undefined && { server: z.literal(server).default(server) }),
    ...(database !== undefined && { database: z.literal(database).default(database) }),
  };
  const unlisted = [...(tool.unlisted ?? []), ...Object.keys(places)];
  return { input: z.strictObject({ ...tool.input.shape, ...sharedInputs, ...places }), unlisted };
}

const INTEGERS = /^(smallint|integer|int|int2|int4|oid)$/i;
const NUMBERS = /^(bigint|int8|numeric|decimal|real|double precision|float|float4|float8)$/i;

function inputFor(parameter: Parameter): z.ZodType {
  const { type, description, nullable } = parameter;
  const plain = valueOf(type.trim());
  const value = nullable ? plain.nullable() : plain;
  const described = description === undefined ? value : value.describe(description);
  return parameter.default === undefined ? described : described.default(parameter.default as never);
}

function valueOf(type: string): z.ZodType {
  if (INTEGERS.test(type)) return z.int();
  if (NUMBERS.test(type)) return z.union([z.number(), z.string()]);
  if (/^bool(ean)?$/i.test(type)) return z.boolean();
  if (type.endsWith(']')) return z.array(Value);
  return /^jsonb?$/i.test(type) ? z.union([z.string(), z.record(z.string(), z.unknown())]) : z.string();
}

function readParameter({ name, type }: Parameter, given: unknown): TypedParameter {
  return typedParameter(type, given as Parameters<typeof typedParameter>[1], (problem) => {
    throw new PlatformError('INVALID_INPUT', `The input "${name}" ${problem}.`);
  });
}

function capitalised(name: string): string {
  const words = name.replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}
