import { expect, it } from 'vitest';
import { z } from 'zod';
import { parseInput } from './input.ts';
import type { Operation } from './operation.ts';

const operation: Operation = {
  kind: 'tool',
  name: 'list_tables',
  area: 'tables',
  accessClass: 'schema',
  title: 'Tables',
  description: 'Tables.',
  input: z.strictObject({
    server: z.string().optional(),
    database: z.string().optional(),
    limit: z.int().max(500).default(50),
  }),
  output: z.object({}),
  reaches: 'nothing',
  alsoKnownAs: {},
  run: () => Promise.resolve({}),
};
const problemOf = (given: unknown, names?: Record<string, string>): unknown => {
  try {
    return parseInput(operation, given, names);
  } catch (error) {
    return (error as { details?: unknown; message: string }).details ?? (error as Error).message;
  }
};

it('fills defaults, also for no arguments at all', () => {
  expect(parseInput(operation, undefined, undefined)).toEqual({ limit: 50 });
});

it('refuses an argument in another case and says which was meant', () => {
  expect(problemOf({ Server: 'shop' })).toEqual({ problems: ['unknown argument "Server", did you mean "server"'] });
});

it('refuses what it does not know, also names of Object.prototype', () => {
  expect(problemOf(JSON.parse('{"constructor": 1, "__proto__": {"server": "x"}}'))).toMatchObject({
    problems: expect.arrayContaining(['unknown argument "constructor"']),
  });
});

it.each([['[]'], ['"x"'], ['7']])('refuses arguments that are %s', (json) => {
  expect(problemOf(JSON.parse(json))).toMatchObject({ problems: [expect.stringContaining('arguments: ')] });
});

it('names the path of a wrong type', () => {
  expect(problemOf({ limit: '20' })).toMatchObject({
    problems: [expect.stringMatching(/^limit: .*expected (int|number)/)],
  });
});

it("takes an alias's argument names", () => {
  expect(parseInput(operation, { database_name: 'shop' }, { database_name: 'database' })).toEqual({
    database: 'shop',
    limit: 50,
  });
});

it('refuses an argument that is given under both of its names', () => {
  expect(problemOf({ database_name: 'a', database: 'b' }, { database_name: 'database' })).toContain('given twice');
});

it.each([{ database: 'shop\0user\0postgres' }, { server: '\0' }])('refuses NUL in %j', (given) => {
  expect(problemOf(given)).toMatch(/^Invalid arguments: "(database|server)" holds NUL/);
});
