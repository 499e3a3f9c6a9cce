import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, afterEach, expect, it } from 'vitest';
import { PlatformError } from '../core/errors.ts';
import { openStatementTexts, type StatementTexts } from './statement-texts.ts';

const texts = openStatementTexts();
afterAll(() => texts.close());

const closing: StatementTexts[] = [];
afterEach(() => Promise.all(closing.splice(0).map((one) => one.close())));

function open(...options: Parameters<typeof openStatementTexts>): StatementTexts {
  const opened = openStatementTexts(...options);
  closing.push(opened);
  return opened;
}

/** Keeps the parser busy for longer than a millisecond. */
const SLOW = `select ${`${'/**/'.repeat(60)} `.repeat(250)} 1`;

it('masks texts in order, with each null, repetition and word of the server in its place', async () => {
  const insufficient = '<insufficient privilege>';
  const given = [
    "select 'a'",
    null,
    '',
    insufficient,
    "select 'a'",
    "alter role a password 'b'",
    'COMMIT',
    "select 'b",
  ];
  const masked = [
    'select $1',
    null,
    '',
    insufficient,
    'select $1',
    '<ALTER ROLE withheld: may contain a password>',
    'COMMIT',
  ];
  expect(await texts.mask(given)).toEqual([...masked, 'select $1…']);
  expect(await texts.mask(given)).toEqual([...masked, 'select $1…']);
  expect(await texts.mask([])).toEqual([]);
});

it('withholds by the parse tree what the words alone do not show', async () => {
  expect(await texts.mask(["ALTER TABLE t OPTIONS (SET a 'x')"])).toEqual([
    '<ALTER FOREIGN TABLE withheld: may contain a password>',
  ]);
});

it('shows a column named password where the text parses, and fails safe where it does not', async () => {
  expect(await texts.mask(['create table t (password text)', 'create domain d as password text frm'])).toEqual([
    'create table t (password text)',
    '<statement withheld: may contain a password>',
  ]);
});

it("withholds from others' sessions what does not begin as SQL, and keeps it for the record of a caller's own", async () => {
  expect(await texts.mask(["selec 'a' from t"])).toEqual(['<text withheld: not recognised as SQL>']);
  expect(await texts.normalise("selec 'a' from t")).toEqual({ text: 'selec $1 from t', fingerprint: null });
});

it('withholds the statements of secrets from the record too', async () => {
  const { text, fingerprint } = await texts.normalise("ALTER ROLE a PASSWORD 'b'");
  expect(text).toBe('<ALTER ROLE withheld: may contain a password>');
  expect(fingerprint).toMatch(/^[0-9a-f]{16}$/);
});

it('gives one fingerprint to what differs in constants only', async () => {
  const one = await texts.normalise('SELECT a FROM t WHERE b = 1');
  expect(one).toEqual({ text: 'SELECT a FROM t WHERE b = $1', fingerprint: expect.stringMatching(/^[0-9a-f]{16}$/) });
  expect((await texts.normalise("select a from t where b = 'x' -- y")).fingerprint).toBe(one.fingerprint);
  expect((await texts.normalise('select a from t where c = 1')).fingerprint).not.toBe(one.fingerprint);
});

it.each([
  ['a NUL character', 'select 1\0; drop table t', 'select $1; drop table t'],
  ['half of a surrogate pair', 'select a\ud800b', 'select a\ufffdb'],
])('masks a text with %s, and does not take it for parsed', async (_, text, masked) => {
  expect(await texts.normalise(text)).toEqual({ text: masked, fingerprint: null });
});

it('cuts a text of any size', async () => {
  const [masked] = await texts.mask([`select '${'x'.repeat(1_000_000)}', 1${', a'.repeat(1_000_000)}`]);
  expect(masked).toBe('select $1…');
  const [list] = await texts.mask([`select a${', a'.repeat(1_000_000)}`]);
  expect(list).toMatch(/^(?:select a)(?:, a)+,…$/);
  expect(list?.length).toBeLessThan(65_540);
});

it('gives the parse tree, each time a copy', async () => {
  const tree = await texts.parse('select 1');
  expect(tree.stmts?.[0]?.stmt).toMatchObject({ SelectStmt: { targetList: [{ ResTarget: { location: 7 } }] } });
  tree.stmts?.pop();
  expect((await texts.parse('select 1')).stmts).toHaveLength(1);
  expect((await texts.parse('')).stmts).toEqual([]);
});

const BROKEN = 'The statement has a NUL character or half of a surrogate pair, which SQL cannot have.';

it.each([
  ['nonsense', 'selec 1', 'The statement does not parse: syntax error at or near "selec".', 1],
  ['an end too early', "select 'é' from (", 'The statement does not parse: syntax error at end of input.', 18],
  [
    'an open string, without quoting it',
    "select 'sesame",
    'The statement does not parse: unterminated quoted string.',
    8,
  ],
  ['a constant out of place, without quoting it', 'select 1 2', 'The statement does not parse: syntax error.', 10],
  ['a NUL character', 'select 😀1\0', BROKEN, 10],
  ['half of a surrogate pair', 'select \udc00', BROKEN, 8],
])('rejects %s with a message and a position', async (_, text, message, position) => {
  await expect(texts.parse(text)).rejects.toThrow(PlatformError);
  const rejection = { code: 'SQL_REJECTED', message, hint: expect.stringMatching(/\.$/), details: { position } };
  await expect(texts.parse(text)).rejects.toMatchObject(rejection);
});

it.each([
  ['more than 64 kB', 'x'.repeat(65_537), 'The statement is longer than 65536 bytes.'],
  ['more than 64 kB of UTF-8', `select '${'é'.repeat(40_000)}'`, 'The statement is longer than 65536 bytes.'],
  ['20,000 parentheses', `select ${'('.repeat(20_000)}`, 'The statement is nested too deeply.'],
  ['a chain of 1,500', `select 1${' + 1'.repeat(1500)}`, 'The statement is nested too deeply.'],
  ['a chain of 3,000', `select 1${' + 1'.repeat(3000)}`, 'The statement has a chain of more than 2000 operators.'],
  [
    '200 nested comments',
    `select ${'/*'.repeat(200)}`,
    'The statement has more than 250 operator characters or comment signs in a row.',
  ],
])('rejects %s with a message and a hint', async (_, text, message) => {
  const rejection = { code: 'SQL_REJECTED', message, hint: expect.stringMatching(/\.$/) };
  await expect(texts.parse(text)).rejects.toMatchObject(rejection);
});

it('parses a chain of a thousand operators and a list of ten thousand constants', async () => {
  const chain = await texts.parse(`select 1${' + 1'.repeat(1000)}`);
  const list = await texts.parse(`select a from t where a in (${'1, '.repeat(10_000)}1)`);
  expect([chain.stmts, list.stmts]).toMatchObject([[{ stmt: {} }], [{ stmt: {} }]]);
});

it('rejects with TIMEOUT what takes too long, masks it all the same, and goes on', async () => {
  const impatient = open({ textMs: 1 });
  const codes = new Set<unknown>();
  for (let i = 0; i < 20 && !codes.has('TIMEOUT'); i++) {
    const error: unknown = await impatient.parse(`${SLOW} + ${i}`).catch((error: unknown) => error);
    codes.add(error instanceof PlatformError ? error.code : typeof error);
  }
  expect([...codes]).toContain('TIMEOUT');
  expect(await impatient.mask([`${SLOW}, 'a'`])).toEqual(['select $1, $2']);
});

it('leaves when the signal says so, with its reason', async () => {
  const reason = new PlatformError('CANCELLED', 'The caller withdrew the call.');
  await expect(texts.parse('select 1', AbortSignal.abort(reason))).rejects.toBe(reason);
  const caller = new AbortController();
  const parsed = texts.parse(`${SLOW} + 2`, caller.signal);
  caller.abort(reason);
  await expect(parsed).rejects.toBe(reason);
  await expect(texts.parse('select 2', new AbortController().signal)).resolves.toMatchObject({ stmts: [{}] });
});

it('masks without the parser after it was closed, and parses no more', async () => {
  const closed = openStatementTexts();
  await closed.close();
  expect(await closed.mask(["select 'a'", "alter role a password 'b'", 'sesame'])).toEqual([
    'select $1',
    '<ALTER ROLE withheld: may contain a password>',
    '<text withheld: not recognised as SQL>',
  ]);
  await expect(closed.parse('select 1')).rejects.toMatchObject({ code: 'UNAVAILABLE' });
});

it('does not ask the parser twice about one text', async () => {
  const caching = open();
  // without the parser, these would be withheld
  const many = Array.from({ length: 200 }, (_, i) => `create type t${i} as (password text)`);
  const [first] = [await caching.mask(many), await caching.parse('select 1'), await caching.normalise('select 2')];
  await caching.close();
  expect(await caching.mask(many)).toEqual(first);
  await expect(caching.parse('select 1')).resolves.toMatchObject({ stmts: [{}] });
  await expect(caching.normalise('select 2')).resolves.toMatchObject({ fingerprint: expect.any(String) });
});

const SIZE = 20_000;
const HOSTILE = {
  'chains of +': `select ${'1+'.repeat(SIZE / 2)}1`,
  'chains of + with functions': `select ${'f(1)+'.repeat(SIZE / 5)}1`,
  'chains of ||': `select ${'a||'.repeat(SIZE / 3)}a`,
  'chains of casts': `select a${'::int'.repeat(SIZE / 5)}`,
  'chains of UNION': `select 1${' union select 1'.repeat(SIZE / 15)}`,
  joins: `select * from t${' join t on true'.repeat(SIZE / 15)}`,
  'nested parentheses': `select ${'('.repeat(SIZE / 2)}1${')'.repeat(SIZE / 2)}`,
  'nested comments': `select ${'/*'.repeat(SIZE / 4)}${'*/'.repeat(SIZE / 4)} 1`,
  'nested comments with spaces': `select ${'/* '.repeat(SIZE / 6)}${' */'.repeat(SIZE / 6)} 1`,
  'runs of operators': `select 1 ${`${'+-'.repeat(100)} `.repeat(SIZE / 201)}1`,
  'a NUL character': 'select 1\0; drop table t',
};

it.each(Object.entries(HOSTILE))('lives through %s and answers each soon', async (_, hostile) => {
  // five times what a text is given, for a machine that is busy
  const texts = openStatementTexts({ textMs: 1250 });
  const times: number[] = [];
  const outcomes = new Set<unknown>();
  for (let i = 0; i < 20; i++) {
    const start = performance.now();
    const [masked] = await texts.mask([`${hostile} --${i}`]);
    const parsed: unknown = await texts.parse(`${hostile} --${i}`).catch((error: unknown) => error);
    times.push(performance.now() - start);
    outcomes.add(masked?.slice(0, 7)).add(parsed instanceof PlatformError ? parsed.code : typeof parsed);
  }
  expect(['select ,SQL_REJECTED', 'select ,object']).toContain([...outcomes].join(','));
  expect(await texts.normalise('select 1')).toMatchObject({ fingerprint: expect.any(String) });
  // the target is 50 ms for each of the two
  expect(times.toSorted((a, b) => a - b)[10]).toBeLessThan(2500);
  await texts.close();
});

it('lets the process end without being closed', async () => {
  const script = `
    import { openStatementTexts } from ${JSON.stringify(new URL('statement-texts.ts', import.meta.url).href)};
    process.stdout.write(String((await openStatementTexts().normalise('select 7')).text));`;
  const argv = ['--import', 'tsx', '--input-type=module', '--eval', script];
  const { stdout } = await promisify(execFile)(process.execPath, argv, { timeout: 15_000 });
  expect(stdout).toBe('select $1');
});
