import { expect, it } from 'vitest';
import type { CompiledLimits } from '../policy/policy.ts';
import { shapeOutput } from './shape.ts';

const limits: CompiledLimits = {
  rows: 3,
  bytes: 1000,
  timeoutMs: 1000,
  callsPerMinute: 10,
  concurrent: 1,
  outputTokens: Infinity,
  rowsPerDay: Infinity,
  planCost: Infinity,
};
const rows = (count: number) => Array.from({ length: count }, (_, i) => ({ n: i }));

it('leaves a small answer as it is', () => {
  const output = { rows: rows(2), truncated: false };
  expect(shapeOutput(output, limits)).toEqual({ output, rows: 2, bytes: 44, truncated: false });
});

it('cuts to the rows of the persona and says so', () => {
  const shaped = shapeOutput({ rows: rows(5), truncated: false, total: 5 }, limits);
  expect(shaped.output).toEqual({ rows: rows(3), truncated: true, total: 5 });
  expect(shaped).toMatchObject({ rows: 3, truncated: true });
});

it.each([200, 333, 1000])('cuts to %i bytes by leaving out rows from the end', (bytes) => {
  const shaped = shapeOutput({ rows: rows(400) }, { ...limits, rows: 1000, bytes });
  expect(shaped.bytes).toBeLessThanOrEqual(bytes);
  expect(Buffer.byteLength(JSON.stringify(shaped.output))).toBe(shaped.bytes);
  expect(shaped.bytes).toBeGreaterThan(bytes - 40);
  expect(shaped.truncated).toBe(true);
});

it('refuses an answer that cannot be cut', () => {
  expect(() => shapeOutput({ text: 'x'.repeat(2000) }, limits)).toThrow(
    'The answer has 2011 bytes and the limit is 1000.',
  );
});

it('counts no rows where there is no list', () => {
  expect(shapeOutput({ a: 1 }, limits)).toMatchObject({ rows: null, truncated: false });
});
