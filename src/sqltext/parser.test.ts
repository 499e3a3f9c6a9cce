import { afterEach, expect, it } from 'vitest';
import { createParser, type Parser, type ParserOptions } from './parser.ts';
import type { Outcome } from './parser-messages.ts';

const opened: Parser[] = [];
afterEach(() => Promise.all(opened.splice(0).map((parser) => parser.close())));

function open(options?: ParserOptions): Parser {
  const parser = createParser(options);
  opened.push(parser);
  return parser;
}

const kinds = (outcomes: readonly Outcome[]) => outcomes.map(({ kind }) => kind);
function threads(): number {
  const report: unknown = process.report.getReport();
  return (report as { workers: unknown[] }).workers.length;
}

/** Keeps the scanner busy for several seconds. */
const SLOW = `select ${'/*'.repeat(30_000)}`;

it('gives an outcome for each text, in order, of requests at the same time', async () => {
  const parser = open();
  const requests = Array.from({ length: 20 }, (_, i) => parser.ask('verdict', ['select 1', `${' '.repeat(i)}selec`]));
  for (const [i, outcomes] of (await Promise.all(requests)).entries()) {
    expect(outcomes).toMatchObject([{ kind: 'parsed' }, { kind: 'syntax error', position: i + 1 }]);
  }
});

it('says where the error is, in characters', async () => {
  const [outcome] = await open().ask('verdict', ["select 'é😀' frm t frm"]);
  expect(outcome).toEqual({ kind: 'syntax error', message: 'syntax error at or near "t"', position: 17 });
});

it('gives the parse tree', async () => {
  const [outcome] = await open().ask('tree', ['select 1; select 2']);
  const tree: unknown = outcome?.kind === 'tree' ? JSON.parse(outcome.json) : undefined;
  expect(tree).toMatchObject({ stmts: [{ stmt: { SelectStmt: {} } }, { stmt: { SelectStmt: {} } }] });
});

const nestedArrays = (levels: number) => `select ${'array['.repeat(levels)}1${']'.repeat(levels)}`;

it('counts the levels of a tree, and not the brackets in its strings', async () => {
  const brackets = `select '${String.raw`{["\{`.repeat(3000)}', 1 as "${'""{['.repeat(10)}"`;
  const outcomes = await open().ask('tree', [brackets, nestedArrays(820), nestedArrays(840)]);
  expect(kinds(outcomes)).toEqual(['tree', 'tree', 'too deep']);
});

it('is replaced when a text takes too long, which costs the texts behind it in the same request only', async () => {
  const parser = open({ textMs: 200 });
  await parser.ask('verdict', ['select 1']);
  const start = performance.now();
  const [slow, next] = await Promise.all([
    parser.ask('verdict', ['select 1', SLOW, 'select 2']),
    parser.ask('verdict', ['select 3']),
  ]);
  expect(kinds(slow)).toEqual(['parsed', 'timeout', 'skipped']);
  expect(kinds(next)).toEqual(['parsed']);
  expect(performance.now() - start).toBeLessThan(20 * 400);
});

it('begins no further text of a request when its time is used up', async () => {
  const parser = open({ textMs: 5000, requestMs: 50 });
  const slow = `select ${'/*'.repeat(8000)}`;
  expect(kinds(await parser.ask('verdict', [slow, slow, slow, slow]))).toContain('skipped');
});

it('is replaced when a text overflows its stack', async () => {
  const parser = open({ textMs: 10_000 });
  const chain = `select 1${'+1'.repeat(300_000)}`;
  for (let i = 0; i < 2; i++) expect(kinds(await parser.ask('verdict', [chain]))).toEqual(['crashed']);
  expect(kinds(await parser.ask('verdict', ['select 1']))).toEqual(['parsed']);
});

it('is not disturbed by a main thread that is busy for longer than a text may take', async () => {
  const parser = open({ textMs: 400 });
  await parser.ask('verdict', ['select 1']);
  const asked = parser.ask('verdict', ['select 2']);
  for (const end = performance.now() + 800; performance.now() < end;);
  expect(kinds(await asked)).toEqual(['parsed']);
});

it('ends its thread when idle and starts another at the next need', async () => {
  const before = threads();
  const parser = open({ idleMs: 20 });
  expect(threads()).toBe(before);
  await parser.ask('verdict', ['select 1']);
  expect(threads()).toBe(before + 1);
  await expect.poll(threads, { timeout: 5000 }).toBe(before);
  expect(kinds(await parser.ask('verdict', ['select 1']))).toEqual(['parsed']);
});

it('answers what waits when it is closed, and what is asked later', async () => {
  const parser = open();
  const waiting = [parser.ask('verdict', [SLOW]), parser.ask('verdict', ['select 1'])];
  await parser.close();
  expect((await Promise.all(waiting)).map(kinds)).toEqual([['skipped'], ['skipped']]);
  expect(kinds(await parser.ask('verdict', ['select 1']))).toEqual(['unavailable']);
});
