/** Statements that are made to keep the parser or the guard busy, or to leave them dead for everybody. */
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { offlineGuard } from './guard-kit.ts';

const guard = offlineGuard();
let most = 0;

beforeAll(() => guard.check('SELECT 1')); // starts the parser
afterAll(async () => {
  console.log(`guard: at most ${most.toFixed(1)} ms of the event loop at once`);
  await guard.close();
});

const long = (part: string, bytes: number) => part.repeat(Math.ceil(bytes / part.length));
const SIZES = [2000, 8000, 16_000, 60_000];

const FAMILIES: Readonly<Record<string, (bytes: number) => string>> = {
  'chains of +': (bytes) => `SELECT 1${long('+1', bytes)}`,
  'chains of ||': (bytes) => `SELECT 'a'${long("||'a'", bytes)}`,
  'chains of casts': (bytes) => `SELECT 1${long('::int', bytes)}`,
  'chains of UNION': (bytes) => `SELECT 1${long(' UNION SELECT 1', bytes)}`,
  'chains of joins': (bytes) => `SELECT 1 FROM a${long(' JOIN a ON true', bytes)}`,
  'chains of AND and OR': (bytes) => `SELECT 1 WHERE a${long(' AND a OR b', bytes)}`,
  'chains of NOT': (bytes) => `SELECT ${long('NOT ', bytes)}true`,
  'chains of minus': (bytes) => `SELECT ${long('- ', bytes)}1`,
  'nested parentheses': (bytes) => `SELECT ${'('.repeat(bytes / 2)}1${')'.repeat(bytes / 2)}`,
  'nested calls': (bytes) => `SELECT ${long('abs(', bytes / 2)}1${')'.repeat(Math.ceil(bytes / 8))}`,
  'nested sized calls': (bytes) => `SELECT ${long('repeat(', bytes)}'x'${',1)'.repeat(Math.ceil(bytes / 7))}`,
  'nested sub-selects': (bytes) => `SELECT ${long('(SELECT ', bytes)}1${')'.repeat(Math.ceil(bytes / 8))}`,
  'nested WITH': (bytes) => `${long('WITH a AS (', bytes)}SELECT 1${long(') SELECT 1', Math.ceil((bytes / 11) * 10))}`,
  'nested CASE': (bytes) => `SELECT ${long('CASE WHEN true THEN ', bytes)}1${long(' END', bytes / 5)}`,
  'nested arrays': (bytes) => `SELECT ${long('ARRAY[', bytes)}1${']'.repeat(Math.ceil(bytes / 6))}`,
  'nested comments': (bytes) => `SELECT ${'/*'.repeat(bytes / 4)}${'*/'.repeat(bytes / 4)} 1`,
  'open comments': (bytes) => `SELECT ${'/*'.repeat(bytes / 2)}`,
  'runs of operators': (bytes) => `SELECT 1 ${'+-'.repeat(bytes / 2)} 1`,
  'attributes of attributes': (bytes) => `SELECT (a)${long('.b', bytes)}`,
  subscripts: (bytes) => `SELECT a${long('[1]', bytes)}`,
  'lists of constants': (bytes) => `SELECT 1 IN (1${long(',1', bytes)})`,
  'lists of calls': (bytes) => `SELECT now()${long(',now()', bytes)}`,
  'many CTEs': (bytes) =>
    `WITH ${Array.from({ length: bytes / 20 }, (_, i) => `c${i} AS (SELECT 1)`).join(',')} SELECT 1`,
  'many columns': (bytes) => `SELECT a.b${long(',a.b', bytes)} FROM a`,
  'many statements': (bytes) => long('SELECT 1;', bytes),
};

/**
 * Milliseconds of processor time of this thread between two turns of the event loop: what the clock on the wall says
 * depends on what else the machine does.
 */
async function busiestTurn(work: () => Promise<unknown>): Promise<number> {
  let last = threadMs();
  let busiest = 0;
  let running = true;
  const tick = () => {
    const now = threadMs();
    busiest = Math.max(busiest, now - last);
    last = now;
    if (running) setImmediate(tick);
  };
  setImmediate(tick);
  await work();
  running = false;
  return Math.max(busiest, threadMs() - last);
}

/** `/proc/thread-self/schedstat` counts nanoseconds; elsewhere the wall has to do. */
function threadMs(): number {
  if (process.platform !== 'linux') return performance.now();
  return Number(readFileSync('/proc/self/schedstat', 'utf8').split(' ')[0]) / 1e6;
}

it.each(Object.entries(FAMILIES))(
  'is not kept busy by %s, and judges rightly afterwards',
  async (name, write) => {
    for (const bytes of SIZES) {
      const sql = write(bytes);
      const busyMs = await busiestTurn(() => guard.check(sql));
      most = Math.max(most, busyMs);
      // five times the target, since caches of the processor are shared with other tests
      expect(
        busyMs,
        `${name} of ${sql.length} characters held the event loop for ${busyMs.toFixed(1)} ms`,
      ).toBeLessThan(250);
    }
    expect(await guard.ruleOf(`SELECT '${name}'`)).toBe('allow');
    expect(await guard.ruleOf(`SELECT '${name}', pg_sleep(1)`)).toBe('function/not-allowed');
  },
  60_000,
);

it('refuses NUL, which would hide what stands behind it, and what is no character', async () => {
  expect(await guard.ruleOf('SELECT 1\0; DROP TABLE t')).toBe('statement/parse');
  expect(await guard.ruleOf('SELECT 1 \ud800')).toBe('statement/parse');
});

it('refuses a megabyte at once', async () => {
  const sql = `SELECT '${'x'.repeat(1 << 20)}'`;
  const busyMs = await busiestTurn(async () => expect(await guard.ruleOf(sql)).toBe('statement/parse'));
  expect(busyMs).toBeLessThan(250);
});

it('judges 10,000 hostile statements in a row, and the next one rightly', async () => {
  const hostile = Object.values(FAMILIES).slice(0, 10);
  for (let i = 0; i < 10_000; i++) await guard.check(`${hostile[i % hostile.length]?.(200)} -- ${i}`);
  expect(await guard.ruleOf('SELECT 1')).toBe('allow');
  expect(await guard.ruleOf('DROP TABLE t')).toBe('statement/kind');
}, 120_000);

it('costs a millisecond for a statement of a kilobyte, and next to nothing the second time', async () => {
  const columns = Array.from({ length: 28 }, (_, i) => `coalesce(t.column_${i}, ${i}) AS c${i}`).join(', ');
  const statement = (i: number) =>
    `WITH w AS (SELECT ${columns} FROM t JOIN u USING (id) WHERE t.x > ${i} AND u.y LIKE 'a%') SELECT count(*) FROM w`;
  expect(statement(0).length).toBeGreaterThan(1000);
  const uncached: number[] = [];
  for (let i = 0; i < 300; i++) {
    const start = performance.now();
    await guard.check(statement(i));
    uncached.push(performance.now() - start);
  }
  const again = statement(299);
  await guard.check(again);
  const start = performance.now();
  for (let i = 0; i < 20_000; i++) await guard.check(again);
  const cachedUs = ((performance.now() - start) / 20_000) * 1000;
  const median = uncached.toSorted((a, b) => a - b)[150] ?? Infinity;
  console.log(`guard: ${median.toFixed(2)} ms uncached, ${cachedUs.toFixed(2)} µs cached`);
  expect(median).toBeLessThan(5);
  expect(cachedUs).toBeLessThan(25);
});
