import { z } from 'zod';
import { defineTool } from '../kit/index.ts';
import { runStatement, statementOutput } from './run-statement.ts';
import { parametersInput, readParameters } from './given-parameters.ts';

/** Longer ones are refused by the guard, too. */
const MAX_SQL = 1_000_000;

export default defineTool({
  name: 'query',
  area: 'sql',
  accessClass: 'query',
  title: 'Run a query',
  description: 'Runs one read-only statement: SELECT, VALUES, WITH, TABLE, SHOW or EXPLAIN. Values are exact.',
  input: {
    sql: z.string().min(1).max(MAX_SQL).describe('One statement.'),
    parameters: parametersInput,
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
    return runStatement({ approved, parameters: readParameters(parameters), format, limit }, target, context);
  },
});
