import { randomBytes } from 'node:crypto';
import { afterAll, expect, it } from 'vitest';
import { lex } from './lexer.ts';
import { maskConstants } from './masked-text.ts';
import { openStatementTexts } from './statement-texts.ts';

const texts = openStatementTexts();
afterAll(() => texts.close());

/** Letters that no piece of code below has three of in a row. */
const newSecret = () => Array.from(randomBytes(14), (byte) => 'QZXJVKW'.charAt(byte % 7)).join('');
const newDigits = () => Array.from(randomBytes(14), (byte) => '456789'.charAt(byte % 6)).join('');

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
  const item = from[randomBytes(1).readUInt8() % from.length];
  if (item === undefined) throw new Error('There is nothing to pick from.');
  return item;
}

/** Three characters in a row of the secret are too many. */
function expectNothingOf(secrets: readonly string[], masked: string | null, text: string): void {
  for (const secret of secrets) {
    for (let i = 0; i + 3 <= secret.length; i++) {
      if (masked?.includes(secret.slice(i, i + 3))) expect.fail(`${JSON.stringify(text)} was masked as ${masked}`);
    }
  }
}

/** As `track_activity_query_size` cuts it, and at places inside of characters too. */
function* cuts(text: string): Generator<string> {
  const bytes = Buffer.from(text);
  for (let end = 0; end <= bytes.length; end++) yield bytes.subarray(0, end).toString();
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
    expect(maskConstants(text, lex(text)), text).toBe(`${expected} , $1`);
    for (const cut of cuts(text)) expectNothingOf([secret, digits], maskConstants(cut, lex(cut)), cut);
  }
});

it('hides what is a constant under either setting of standard_conforming_strings', () => {
  for (let i = 0; i < 200; i++) {
    const [secret, digits] = [newSecret(), newDigits()];
    const gap = () => pick(GAPS)(secret, digits);
    const constant = () => pick(CONSTANTS)(secret, digits);
    const ambiguous = pick(AMBIGUOUS)(secret, digits);
    const text = `SELECT a${gap()}${constant()} , ${ambiguous}${gap()}, ${constant()} , ${secret}`;
    for (const cut of cuts(text)) {
      const shown = cut.length <= text.lastIndexOf(ambiguous) + ambiguous.length || cut.includes(ambiguous);
      if (shown) expectNothingOf([secret, digits], maskConstants(cut, lex(cut)), cut);
    }
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
  const masked = await texts.mask(all);
  for (const [i, one] of all.entries()) {
    expectNothingOf([secret, secret.toLowerCase(), digits], masked[i] ?? null, one);
  }
  expectNothingOf([secret, digits], (await texts.normalise(text)).text, text);
});

it('hides a password that was typed at a prompt', async () => {
  const secret = newSecret();
  const all = [...cuts(secret), `${secret};`, `\\password ${secret}`, `connect app/${secret}`, `SELECT 1; ${secret}`];
  for (const [i, masked] of (await texts.mask(all)).entries()) expectNothingOf([secret], masked, all[i] ?? '');
});
