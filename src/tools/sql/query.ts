import { z } from 'zod';
import type { TypedParameter } from '../../calls/callers-sql.ts';
import { PlatformError } from '../../core/errors.ts';
import { defineTool } from '../kit/index.ts';
import { runStatement, statementOutput } from './run-statement.ts';
import { typedParameter, Value } from './typed-parameter.ts';

/** Longer ones are refused by the guard, too. */
const MAX_SQL = 1_000_000;

const Parameter = z.union([
  Value,
  z.strictObject({
    type: z.string().min(1).max(100),
    value: z.union([Value, z.array(Value), z.record(z.string(), z.unknown())]),
  }),
]);

export default defineTool({
  name: 'query',
  area: 'sql',
  accessClass: 'query',
  title: 'Run a query',
  description: 'Runs one read-only statement: SELECT, VALUES, WITH, TABLE, SHOW or EXPLAIN. Values are exact.',
  input: {
    sql: z.string().min(1).max(MAX_SQL).describe('One statement.'),
    parameters: z.array(z.unknown()).optional().describe('Of $1, $2 …, each plain or { type, value }.'),
    format: z.enum(['rows', 'table', 'csv']).default('rows'),
    limit: z.int().min(1).max(100_000).default(1000),
  },
  seldom: ['format'],
  judges: false,
  timeoutS: 30,
  cost: 'It costs what the statement costs, within the limits of the persona.',
  output: statementOutput,
  statements: [],
  run: async ({ sql, parameters = [], format, limit }, target, context) => {
    const approved = await target.callers.admit(sql);
    return runStatement({ approved, parameters: parameters.map(readParameter), format, limit }, target, context);
  },
});

function readParameter(given: unknown, index: number): TypedParameter {
  const refuse = (problem: string) => {
    throw new PlatformError('INVALID_INPUT', `$${index + 1} ${problem}.`, {
      hint: 'A value is a text, number, boolean or null, by itself or as { "type": "numeric", "value": "1.10" }.',
    });
  };
  const { data } = Parameter.safeParse(given);
  if (data === undefined) return refuse('is no value');
  if (typeof data !== 'object' || data === null) return typedParameter(undefined, data, refuse);
  return typedParameter(data.type, data.value, refuse);
}
