/** Statements that nobody wrote: mutated, joined, commented and quoted ones, and trees of calls. */
import fc from 'fast-check';
import { afterAll, expect, it } from 'vitest';
import { BUILT_INS } from '../src/guard/reviewed-built-ins.ts';
import { offlineGuard } from './guard-kit.ts';
import given from './sql-guard-cases.json' with { type: 'json' };
import own from './sql-guard-own-cases.json' with { type: 'json' };

const guard = offlineGuard();
afterAll(() => guard.close());

const cases = [...given, ...own];
const allowed = cases.flatMap(({ sql, expect: expected }) => (expected === 'allow' ? [sql] : []));
const all = cases.map(({ sql }) => sql);
/** Without those that are empty. */
const statements = all.filter((sql) => /^\W*[a-z]/i.test(sql.replaceAll(/--.*/g, '')));
const refusedNames = [...BUILT_INS.values()].flatMap(({ kind, name }) => (kind === 'refused' ? [name] : []));
const plainNames = [...BUILT_INS.values()].flatMap(({ kind, name }) => (kind === 'plain' ? [name] : []));

const RUNS = { numRuns: 300 };

/** A name written so that PostgreSQL reads the same. */
const spelled = (name: string): fc.Arbitrary<string> =>
  fc.oneof(
    fc.constant(`"${name}"`),
    fc.constant(`pg_catalog."${name}"`),
    fc.constant(`PG_CATALOG . /* x */ "${name}" -- y\n`),
    fc.constant(
      `U&"${Array.from(name)
        .map((c) => `\\${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
        .join('')}"`,
    ),
  );

/** An expression in one more place. */
const wrap = (inner: fc.Arbitrary<string>) =>
  fc.oneof(
    fc.tuple(fc.constantFrom('abs', 'lower', 'to_json', 'md5'), inner).map(([f, x]) => `${f}(${x})`),
    inner.map((x) => `(${x})`),
    inner.map((x) => `(SELECT ${x})`),
    inner.map((x) => `ARRAY[1, ${x}]`),
    inner.map((x) => `CASE WHEN true THEN ${x} END`),
    inner.map((x) => `coalesce(NULL, ${x})`),
    inner.map((x) => `(${x})::text`),
    inner.map((x) => `'a' || ${x}`),
    inner.map((x) => `count(*) FILTER (WHERE ${x} IS NULL) OVER (ORDER BY ${x})`),
    inner.map((x) => `JSON_OBJECT('k' : ${x})`),
    inner.map((x) => `(WITH w AS (SELECT ${x} AS c) SELECT c FROM w LIMIT 1)`),
    inner.map((x) => `EXISTS (VALUES (1, ${x}))`),
    inner.map((x) => `xmlforest(${x} AS a)`),
    inner.map((x) => `ROW(${x}) IS NULL`),
  );

/** Expressions of functions that are allowed, with the given one somewhere in it. */
const around = (seed: fc.Arbitrary<string>): fc.Arbitrary<string> => {
  return fc.nat(5).chain((depth) => Array.from({ length: depth }).reduce<fc.Arbitrary<string>>(wrap, seed));
};

it('lets no function pass that is not allowed, however deep it stands and however it is written', async () => {
  const call = fc.constantFrom(...refusedNames).chain((name) => spelled(name).map((text) => `${text}('x')`));
  await fc.assert(
    fc.asyncProperty(around(call), async (expression) => {
      expect(await guard.ruleOf(`SELECT ${expression}`)).toBe('function/not-allowed');
    }),
    RUNS,
  );
}, 120_000);

it('lets pass what is made of allowed functions alone', async () => {
  const bounded =
    /^(?:repeat|[lr]pad|array_fill|format|current_setting|pg_input_.*|ts_rewrite|xpath|xpath_exists|xmlexists)$/;
  const names = plainNames.filter((name) => !bounded.test(name));
  const call = fc.constantFrom(...names).chain((name) => spelled(name).map((text) => `${text}(1)`));
  await fc.assert(
    fc.asyncProperty(around(call), async (expression) => {
      expect(await guard.ruleOf(`SELECT ${expression}`)).toBe('allow');
    }),
    RUNS,
  );
}, 120_000);

it('refuses whatever a second statement follows', async () => {
  const between = fc.constantFrom(';', ' ; ', ';\n', ';;', '; -- x\n', ';/* ; */');
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...allowed), between, fc.constantFrom(...statements), async (one, sign, other) => {
      const first = one.replace(/;\s*(?:--.*)?$/, '').replace(/--.*$/, '');
      expect(await guard.ruleOf(`${first}\n${sign}${other}`)).not.toBe('allow');
    }),
    RUNS,
  );
}, 120_000);

/** What no statement that is allowed may hold, outside of literals and names in quotes. */
const FORBIDDEN =
  /\b(?:insert\s+into|delete\s+from|drop\s+table|truncate|copy|pg_sleep|pg_read_file|set_config|lo_export|dblink|for\s+update)\s*\(/i;

const QUOTED = /\b[eE]'(?:[^'\\]|\\[^]|'')*'|'(?:[^']|'')*'|"[^"]*"|\$(\w*)\$[^]*?\$\1\$|--.*/y;

/** Without literals, names in quotes and comments, which nest. */
function bare(text: string): string {
  let [rest, depth] = ['', 0];
  for (let at = 0; at < text.length;) {
    const sign = text.slice(at, at + 2);
    QUOTED.lastIndex = at;
    if (sign === '/*' || (depth > 0 && sign === '*/')) {
      depth += sign === '/*' ? 1 : -1;
      rest += ' ';
      at += 2;
    } else if (depth === 0 && QUOTED.test(text)) {
      rest += ' ';
      at = QUOTED.lastIndex;
    } else {
      if (depth === 0) rest += text.charAt(at);
      at += 1;
    }
  }
  return rest;
}

it('never fails on mutated text, and lets nothing pass that holds what is forbidden', async () => {
  const piece = fc.constantFrom(
    "'",
    '"',
    '$$',
    '$a$',
    '--',
    '/*',
    '*/',
    ';',
    '\\',
    '(',
    ')',
    '\n',
    "E'",
    'U&"',
    '::',
    '.',
    ' ',
    '\u00a0',
    '\u2028',
    'pg_sleep(1)',
    'DELETE FROM t',
    'FOR UPDATE',
    'INTO x',
    "set_config('a', 'b', false)",
    'ANALYZE',
    '%',
    '\u0000',
  );
  const edit = fc.tuple(fc.nat(400), fc.nat(3), piece);
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...all), fc.array(edit, { minLength: 1, maxLength: 4 }), async (sql, edits) => {
      const mutated = edits.reduce((text, [at, cut, put]) => {
        const start = at % (text.length + 1);
        return text.slice(0, start) + put + text.slice(start + cut);
      }, sql);
      const verdict = await guard.check(mutated);
      const text = verdict.verdict === 'allow' ? verdict.text : '';
      expect(bare(text)).not.toMatch(FORBIDDEN);
    }),
    {
      numRuns: 1500,
      examples: [
        [
          'SELECT /* /* ; */ ; DROP TABLE t */ 1',
          [
            [207, 0, "set_config('a', 'b', false)"],
            [12, 0, "'"],
          ],
        ],
      ],
    },
  );
}, 120_000);

it('says the same of a statement that it let pass, of its own text for it', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...allowed),
      fc.constantFrom('', ';', ' ; ', '; -- x', ' -- ;', '/* ; */'),
      async (sql, end) => {
        const verdict = await guard.check(`${sql}${/;|--/.test(sql) ? '' : end}`);
        if (verdict.verdict !== 'allow') return false;
        expect(verdict.text).not.toMatch(/;\s*$/);
        return (
          (await guard.ruleOf(verdict.text)) === 'allow' &&
          (await guard.ruleOf(`SELECT 1 WHERE 1 = (SELECT 1\n)`)) === 'allow'
        );
      },
    ),
    RUNS,
  );
}, 120_000);
