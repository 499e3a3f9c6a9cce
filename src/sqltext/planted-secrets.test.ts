import { afterAll, expect, it } from 'vitest';
import { lex } from './lexer.ts';
import { maskConstants } from './masked-text.ts';
import { openStatementTexts } from './statement-texts.ts';

const texts = openStatementTexts();
afterAll(() => texts.close());

const random = createRandom(12);
/** Letters that no piece of code below has three of in a row. */
const newSecret = () => Array.from({ length: 14 }, () => 'QZXJVKW'.charAt(random(7))).join('');
const newDigits = () => Array.from({ length: 14 }, () => '456789'.charAt(random(6))).join('');

type Plant = (secret: string, digits: string) => string;

const CONSTANTS: readonly Plant[] = [
  (s) => `'${s}'`,
  (s) => `'it''s ${s}'`,
  (s) => `'-- ${s}'`,
  (s) => `'/* ${s}'`,
  (s) => `'$$ ${s} "'`,
  (s) => `'a\n;${s}\n'`,
  (s) => `'a'\n  '${s}'`,
  (s) => `'a' -- b'\n '${s}'`,
  (s) => String.raw`'c:\\${s}\\'`,
  (s) => String.raw`E'it\'s ${s}'`,
  (s) => String.raw`e'\\''${s}\\'`,
  (s) => String.raw`E'a'${'\n'}'\'${s}'`,
  (s) => String.raw`U&'\0041${s}'`,
  (s) => `N'${s}'`,
  (s) => `X'${Buffer.from(s).toString('hex')}${s}'`,
  (s) => `b'01${s}'`,
  (s) => `$$it's "${s}$$`,
  (s) => `$a1$ $$ ' ${s} $a$ $a1$`,
  (s) => `$ü$${s}$ü$`,
  (_, d) => d,
  (_, d) => `.${d}`,
  (_, d) => `${d}.`,
  (_, d) => `1${d}e-5`,
  (_, d) => `4.${d}E+${d}`,
  (_, d) => `5_${d}`,
  (_, d) => `0x${d}`,
  (s, d) => `0o${d}${s}`,
];
const GAPS: readonly Plant[] = [
  () => ' ',
  () => '\n\t',
  (s) => ` /* ${s} ' */ `,
  (s) => ` /* /* ${s} */ "${s} */`,
  (s) => ` -- it's ${s}\n`,
  (s) => `\f--${s} $$\r\n`,
];
const CODES = [
  'a',
  'b.c_d$1',
  '"it\'s -- /* ""$$"',
  '(',
  'a->>b',
  '- -',
  '@>',
  '/',
  '*',
  '$1',
  'größe',
  'a[b]',
  'x::text',
  ',',
  '=',
];
/** Whether the secret is inside depends on standard_conforming_strings. */
const AMBIGUOUS: readonly Plant[] = [
  (s) => String.raw`'a\'${s}'`,
  (s) => String.raw`'a\' , '${s}'`,
  (s) => String.raw`'\\\' ${s} '`,
  (s) => String.raw`n'a''\' and ${s}`,
];

function pick<T>(from: readonly T[]): T {
  const item = from[random(from.length)];
  if (item === undefined) throw new Error('There is nothing to pick from.');
  return item;
}

/** The texts whose masked form shows three characters in a row of a secret, with that form. */
function findLeaks(
  secrets: readonly string[],
  shown: Iterable<readonly [text: string, masked: string | null]>,
): string[] {
  const windows = secrets.flatMap((secret) => Array.from(secret.slice(2), (_, i) => secret.slice(i, i + 3)));
  const leaks = [];
  for (const [text, masked] of shown) {
    if (windows.some((window) => masked?.includes(window))) leaks.push(`${text} => ${masked}`);
  }
  return leaks;
}

/** As `track_activity_query_size` cuts it, and at places inside of characters too. */
function* cuts(text: string): Generator<string> {
  const bytes = Buffer.from(text);
  for (let end = 0; end <= bytes.length; end++) yield bytes.subarray(0, end).toString();
}

function* maskCuts(text: string): Generator<[string, string]> {
  for (const cut of cuts(text)) yield [cut, maskConstants(cut, lex(cut))];
}

async function maskAll(all: readonly string[]): Promise<[string, string | null][]> {
  const masked = await texts.mask(all);
  return all.map((text, i) => [text, masked[i] ?? null]);
}

it('hides constants and comments of every form, and only these, whole and cut at every byte', () => {
  for (let i = 0; i < 300; i++) {
    const [secret, digits] = [newSecret(), newDigits()];
    const gap = () => pick(GAPS)(secret, digits);
    let [text, expected] = ['SELECT', 'SELECT'];
    for (let n = 2; n < 6; n++) {
      const code = pick(CODES);
      text += `${gap()}${pick(CONSTANTS)(secret, digits)}${gap()}${code}`;
      expected += ` $${n} ${code}`;
    }
    text += ' , $1';
    expect({ text, masked: maskConstants(text, lex(text)) }).toEqual({ text, masked: `${expected} , $1` });
    expect(findLeaks([secret, digits], maskCuts(text))).toEqual([]);
  }
});

it('hides what is a constant under either setting of standard_conforming_strings', () => {
  for (let i = 0; i < 200; i++) {
    const [secret, digits] = [newSecret(), newDigits()];
    const gap = () => pick(GAPS)(secret, digits);
    const constant = () => pick(CONSTANTS)(secret, digits);
    const ambiguous = pick(AMBIGUOUS)(secret, digits);
    const text = `SELECT a${gap()}${constant()} , ${ambiguous}${gap()}, ${constant()} , ${secret}`;
    expect(findLeaks([secret, digits], maskCuts(text))).toEqual([]);
  }
});

const STATEMENTS: Readonly<Record<string, Plant>> = {
  'CREATE ROLE': (s) => `CREATE ROLE app LOGIN PASSWORD '${s}' VALID UNTIL 'infinity'`,
  'ALTER ROLE': (s) => `/* ${s} */ alter/**/role app with encrypted password $a$${s}$a$`,
  'ALTER ROLE without quotes': (s) => `ALTER USER app PASSWORD ${s}`,
  'ALTER ROLE with double quotes': (s) => `ALTER USER app PASSWORD "${s}"`,
  'ALTER ROLE with a slip of the pen': (s) => `ALTER ROL app PASSWORD ${s}`,
  'CREATE USER MAPPING': (s) => `CREATE USER MAPPING FOR app SERVER far OPTIONS (user 'app', password '${s}')`,
  'ALTER USER MAPPING': (s) => `ALTER USER MAPPING FOR app SERVER far OPTIONS (SET password '${s}')`,
  'CREATE SUBSCRIPTION': (s) => `CREATE SUBSCRIPTION s CONNECTION 'host=far password=${s}' PUBLICATION p`,
  'CREATE SERVER': (s) => `CREATE SERVER far FOREIGN DATA WRAPPER w OPTIONS (secret '${s}')`,
  'COPY PROGRAM': (s) => `COPY t FROM PROGRAM 'curl -u app:${s} https://far'`,
  dblink: (s) => `SELECT * FROM dblink('host=far password=${s}', 'SELECT 1') AS t (a int)`,
  'a setting of an application': (s) => `SET app.token TO ${s}`,
  'ALTER SYSTEM': (s) => `ALTER SYSTEM SET app.token = ${s}`,
  'ALTER DATABASE': (s) => `ALTER DATABASE d SET app.token TO ${s}`,
  set_config: (s) => `SELECT set_config('app.token', '${s}', false)`,
  'several statements': (s) => `SELECT 1; ALTER ROLE app PASSWORD '${s}'; SELECT 2`,
  'a DO block': (s) => `DO $$ BEGIN EXECUTE 'ALTER ROLE app PASSWORD ''${s}'''; END $$`,
  'a function': (s) => `CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $f$ SELECT '${s}' $f$`,
  'an e-mail address': (s) => `UPDATE customers SET email = '${s}@example.com' WHERE id = 7`,
  'a card number': (_, d) => `SELECT * FROM cards WHERE number = '${d}' OR number = ${d}`,
  'a prepared statement': (s) => `EXECUTE find('${s}')`,
};

it.each(Object.entries(STATEMENTS))('hides the secret of %s, whole and cut at every byte', async (_, plant) => {
  const [secret, digits] = [newSecret(), newDigits()];
  const text = plant(secret, digits);
  const all = [...cuts(text), text.toLowerCase(), `EXPLAIN ${text}`, `PREPARE p AS ${text}`, `(${text}`, `;${text}`];
  const { text: normalised } = await texts.normalise(text);
  const shown = [...(await maskAll(all)), [text, normalised] as const];
  expect(findLeaks([secret, secret.toLowerCase(), digits], shown)).toEqual([]);
});

it('hides a password that was typed at a prompt', async () => {
  const secret = newSecret();
  const all = [...cuts(secret), `${secret};`, `\\password ${secret}`, `connect app/${secret}`, `SELECT 1; ${secret}`];
  expect(findLeaks([secret], await maskAll(all))).toEqual([]);
});

/** A linear congruential generator: the same texts in every run. */
function createRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state >>> 8) % below;
  };
}
