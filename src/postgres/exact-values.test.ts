import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Result } from './database.ts';
import { compileShape, decodeRows } from './exact-values.ts';

const OID = { bool: 16, int8: 20, int4: 23, text: 25, json: 114, float8: 701, timestamptz: 1184, numeric: 1700 };

function result(columns: Readonly<Record<string, readonly [type: keyof typeof OID, value: string | null]>>): Result {
  const fields = Object.entries(columns).map(([name, [type]]) => ({ name, typeOid: OID[type] }));
  return { fields, rows: [Object.values(columns).map(([, value]) => value)], command: 'SELECT 1' };
}

/** Decodes one value by one field. */
const decode = (schema: z.ZodType, type: keyof typeof OID, value: string | null) => () =>
  decodeRows(result({ x: [type, value] }), compileShape({ x: schema }));

const textFields = (...names: string[]) => names.map((name) => ({ name, typeOid: OID.text }));

const BIG = '9007199254740993';

describe('rows without a shape', () => {
  it('never lose a digit', () => {
    const numeric = '1234567890123456789012345678901234567890.123456789';
    expect(decodeRows(result({ a: ['int8', '9223372036854775807'], b: ['numeric', numeric] }))).toEqual([
      { a: '9223372036854775807', b: numeric },
    ]);
  });

  it('have numbers where JavaScript holds them, and words where JSON has no number', () => {
    const row = result({
      a: ['int4', '-5'],
      b: ['float8', '1.5e-300'],
      c: ['float8', 'NaN'],
      d: ['float8', '-Infinity'],
    });
    expect(decodeRows(row)).toEqual([{ a: -5, b: 1.5e-300, c: 'NaN', d: '-Infinity' }]);
  });

  it.each([
    ['2026-11-20 18:54:37.123456+00', '2026-11-20T18:54:37.123456Z'],
    ['2026-11-20 18:54:37+00', '2026-11-20T18:54:37Z'],
    ['infinity', 'infinity'],
    ['-infinity', '-infinity'],
    ['0044-03-15 12:00:00+00 BC', '0044-03-15 12:00:00+00 BC'],
    ['12026-11-20 18:54:37+00', '12026-11-20 18:54:37+00'],
  ])('have the timestamp %s as %s', (stored, iso) => {
    expect(decodeRows(result({ at: ['timestamptz', stored] }))).toEqual([{ at: iso }]);
  });
});

describe('rows of a shape', () => {
  it('have the types that it declares, in its order', () => {
    const shape = compileShape({
      size: z.int().min(0).meta({ unit: 'bytes' }),
      share: z.number().nullable(),
      names: z.array(z.string()),
      valid: z.boolean().optional(),
      at: z.iso.datetime().nullable(),
      xid: z.string(),
      kind: z.enum(['a', 'b']),
      any: z.unknown(),
    });
    const stored = result({
      any: ['int8', BIG],
      kind: ['text', 'a'],
      xid: ['int8', '42'],
      at: ['timestamptz', '2026-11-20 18:54:37+00'],
      valid: ['bool', 'f'],
      names: ['json', '["x","y"]'],
      share: ['numeric', '0.25'],
      size: ['int8', '9007199254740991'],
    });
    const [row] = decodeRows(stored, shape);
    expect(row).toEqual({
      size: 9_007_199_254_740_991,
      share: 0.25,
      names: ['x', 'y'],
      valid: false,
      at: '2026-11-20T18:54:37Z',
      xid: '42',
      kind: 'a',
      any: BIG,
    });
    expect(Object.keys(row ?? {})[0]).toBe('size');
  });

  it('end at the last integer that is exact, so that one counter does not cost the answer', () => {
    expect(decode(z.int(), 'int8', BIG)()).toEqual([{ x: Number.MAX_SAFE_INTEGER }]);
    expect(decode(z.int(), 'int8', `-${BIG}`)()).toEqual([{ x: Number.MIN_SAFE_INTEGER }]);
    expect(z.int().safeParse(Number.MAX_SAFE_INTEGER).success).toBe(true);
  });

  it('round where any number will do, and refuse a fraction for an integer', () => {
    expect(decode(z.number(), 'int8', '90071992547409936')()).toEqual([{ x: 90_071_992_547_409_936 }]);
    expect(decode(z.number().int(), 'numeric', '1.5')).toThrow('no integer');
  });

  it('refuse NaN where a number is declared, since JSON has none', () => {
    expect(decode(z.number(), 'float8', 'NaN')).toThrow('The column "x" has a value that is no finite number.');
  });

  it('refuse NULL unless it is declared', () => {
    expect(decode(z.string(), 'text', null)).toThrow('The column "x" is null.');
    expect(decode(z.string().nullable(), 'text', null)()).toEqual([{ x: null }]);
    expect(decode(z.string().nullable().meta({ unit: 'ms' }), 'text', null)()).toEqual([{ x: null }]);
  });

  it('refuse a column of another type', () => {
    expect(decode(z.boolean(), 'text', 't')).toThrow('does not read as boolean');
    expect(decode(z.int(), 'text', '1')).toThrow('does not read as integer');
    expect(decode(z.array(z.string()), 'int8', '1')).toThrow('does not read as json');
  });

  it('refuse text that is no JSON without repeating it', () => {
    expect(decode(z.object({}), 'json', '{secret')).toThrow(/^The column "x" has a value that is no JSON.$/);
  });

  it('name the column that is missing, unknown or there twice', () => {
    const shape = compileShape({ x: z.string(), y: z.string() });
    const rows = [['1', '2', '3']];
    expect(() => decodeRows({ fields: textFields('x'), rows, command: '' }, shape)).toThrow(
      '"y" is declared but not selected',
    );
    expect(() => decodeRows({ fields: textFields('x', 'y', 'z'), rows, command: '' }, shape)).toThrow(
      '"z" is not declared',
    );
    expect(() => decodeRows({ fields: textFields('x', 'y', 'x'), rows, command: '' }, shape)).toThrow(
      '"x" is not declared, or there twice',
    );
  });

  it('are INTERNAL errors, since the tool is wrong', () => {
    expect(decode(z.string(), 'text', null)).toThrow(
      expect.objectContaining({ code: 'INTERNAL', details: { column: 'x' } }),
    );
  });

  it('cannot be of a kind that no column can become', () => {
    expect(() => compileShape({ x: z.date() })).toThrow('the field x is declared as date');
  });
});
