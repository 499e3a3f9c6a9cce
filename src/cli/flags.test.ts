import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Operation } from '../calls/operation.ts';
import { argumentsOf, flagsOf, optionsOf } from './flags.ts';

const operation: Operation = {
  kind: 'tool',
  name: 'example',
  area: 'tables',
  accessClass: 'diagnostic',
  title: 'Example',
  description: 'Example.',
  input: z.strictObject({
    server: z.string().optional(),
    table: z.string().describe('Name of the table.'),
    min_size: z.int().min(0).default(1024).meta({ unit: 'bytes' }).describe('Leave out smaller ones.'),
    order_by: z.enum(['size', 'rows']).default('size'),
    kinds: z.array(z.enum(['table', 'view'])).default(['table']),
    filter: z.object({ schema: z.string() }).optional(),
    partitions: z.boolean().default(false),
    indexes: z.boolean().default(true).describe('Count indexes.'),
    ratio: z.union([z.number(), z.null()]).optional(),
  }),
  output: z.object({}),
  reaches: 'server',
  alsoKnownAs: {},
  run: () => Promise.reject(new Error('not run')),
};

describe('flags of an operation', () => {
  it('are its inputs in kebab-case, with type, default and description', () => {
    expect(optionsOf(flagsOf(operation))).toEqual({
      server: {
        type: 'string',
        value: '<text>',
        description: 'Server of the configuration; needed where there are several and no default_server',
      },
      table: { type: 'string', value: '<text>', description: 'Name of the table (required)' },
      'min-size': { type: 'string', value: '<bytes>', description: 'Leave out smaller ones (default 1024)' },
      'order-by': { type: 'string', value: '<size|rows>', description: '(default size)' },
      kinds: { type: 'string', value: '<table,view>', description: '(default table)' },
      filter: { type: 'string', value: '<json>', description: '' },
      partitions: { type: 'boolean', description: '(default false)' },
      'no-indexes': { type: 'boolean', description: 'Count indexes (default true)' },
      ratio: { type: 'string', value: '<number>', description: '' },
    });
  });

  it('become the arguments that the schema takes', () => {
    const values = {
      table: 'orders',
      'min-size': '2048',
      kinds: 'table, view',
      filter: '{"schema":"public"}',
      partitions: true,
      'no-indexes': true,
      ratio: '-0.5',
      json: true,
    };
    const given = argumentsOf(flagsOf(operation), values);
    expect(given).toEqual({
      table: 'orders',
      min_size: 2048,
      kinds: ['table', 'view'],
      filter: { schema: 'public' },
      partitions: true,
      indexes: false,
      ratio: -0.5,
    });
    expect(operation.input.safeParse(given).success).toBe(true);
  });

  it('leave what is no number or JSON as it is, for the schema to refuse', () => {
    const given = argumentsOf(flagsOf(operation), { 'min-size': 'huge', ratio: '', filter: '{', table: '007' });
    expect(given).toEqual({ min_size: 'huge', ratio: '', filter: '{', table: '007' });
  });

  it('have the argument names of an alias too', () => {
    const flags = flagsOf(operation, { table_name: 'table' });
    expect(optionsOf(flags)['table-name']).toMatchObject({ description: 'As --table' });
    expect(argumentsOf(flags, { 'table-name': 'orders' })).toEqual({ table_name: 'orders' });
  });
});
