import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { runCli } from '../../cli/cli.ts';

const guide = readFileSync(new URL('../../../docs/personas.md', import.meta.url), 'utf8');
const KEY = 'KeyOfTheTest';
const SERVERS = `servers:
  shop-eu: { url: "postgresql://m@127.0.0.1:1/shop", databases: [shop, reports] }
  shop-billing: { url: "postgresql://m@127.0.0.1:1/billing" }
`;
const AUTH = `auth:
  api_keys: [{ id: ${KEY}, hash: "sha256:${'0'.repeat(64)}", roles: ["group:data"], tools: [describe_table] }]
`;
const [, PERSONAS = ''] = /```yaml\n(personas:[^]*?)```/.exec(guide) ?? [];
const [, EXPECTATIONS = ''] = /```yaml\n(expectations:[^]*?)```/.exec(guide) ?? [];

let directory: string;
// what the command imports when it runs is loaded before the clock of a test
beforeAll(() => import('../../cli/personas.ts'), 60_000);
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'howdah-personas-'));
  write('howdah.yaml', SERVERS + PERSONAS + AUTH);
});
afterEach(() => rmSync(directory, { recursive: true }));

function write(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text, { mode: 0o600 });
  return path;
}

type Row = Readonly<Record<string, string>>;

/** What the commands print, as far as it is looked at here. */
interface Answer {
  readonly steps?: readonly Row[];
  readonly tools?: readonly Row[];
  readonly rows?: readonly Row[];
  readonly mismatches?: readonly Row[];
  readonly changes?: readonly Row[];
  readonly checked?: number;
  readonly error?: { readonly code: string; readonly message: string };
}

function collect(into: string[]): Writable {
  return new Writable({ write: (chunk: Buffer, _, done) => (into.push(chunk.toString()), done()) });
}

/** `howdah persona …` with the configuration, as JSON. */
async function run(...args: readonly string[]): Promise<{ code: number; answer: Answer; stderr: string }> {
  const [stdout, stderr] = [[] as string[], [] as string[]];
  const code = await runCli({
    args: ['persona', ...args, '--json', '-c', join(directory, 'howdah.yaml')],
    env: { HOWDAH_STATE: directory },
    stdin: Readable.from([]),
    stdout: collect(stdout),
    stderr: collect(stderr),
    signal: new AbortController().signal,
    interrupted: () => undefined,
  });
  return { code, answer: JSON.parse(stdout.join('')) as Answer, stderr: stderr.join('') };
}
const test = (text: string) => run('test', write('expectations.yaml', text));
const stepsOf = ({ steps = [] }: Answer): string[] =>
  steps.map(({ step, verdict, rule }) => `${step} ${verdict}: ${rule}`);
const diff = (text: string) => run('diff', write('next.yaml', text));

it('lists every persona, where it is from and how much it may', async () => {
  const { code, answer } = await run('list');
  expect(code).toBe(0);
  expect(answer.rows).toMatchObject([
    { name: 'admin', from: 'built in', priority: -10, administration: 23, servers: 2 },
    { name: 'analyst', from: 'file', priority: 10, roles: ['analyst', 'group:data'], administration: 0, servers: 1 },
    { name: 'auditor', tools: 0, administration: 8 },
    { name: 'dba', administration: 0 },
    { name: 'viewer' },
  ]);
});

describe('explaining', () => {
  it('goes through the steps of the pipeline and ends at the rule that denies', async () => {
    const { answer } = await run(
      'explain',
      '--as',
      `viewer,group:data`,
      '--tool',
      'describe_table',
      '--server',
      'shop-billing',
    );
    expect(answer).toMatchObject({ persona: 'analyst', verdict: 'deny', purpose: 'required', limits: { rows: 1000 } });
    expect(stepsOf(answer)).toEqual([
      'credential allow: roles "viewer", "group:data"',
      'persona allow: its roles have "group:data"; priority 10, before viewer (-50)',
      'tool allow: personas.analyst.tools.allow[0] "class:schema"',
      'server deny: personas.analyst.servers.deny[0] "shop-billing"',
    ]);
  });

  it('tells what the key takes away from what the persona allows', async () => {
    const { answer } = await run('explain', '--as', KEY, '--tool', 'activity');
    expect(stepsOf(answer).slice(2)).toEqual([
      'tool allow: personas.analyst.tools.allow[2] "activity"',
      'key deny: no rule of auth.api_keys[0].tools matches',
    ]);
  });

  it('takes the server that is reached by default, and what the server itself closes', async () => {
    const { answer } = await run(
      'explain',
      '--as',
      'persona:analyst',
      '--tool',
      'describe_table',
      '--database',
      'other',
    );
    expect(stepsOf(answer).at(-1)).toBe('database deny: servers.shop-eu.databases');
  });

  it.each([
    ['hr.salaries', 'deny: personas.analyst.data.deny[0] "hr.*"'],
    ['public.users.password_hash', 'deny: personas.analyst.data.deny[1] "public.users.password_hash"'],
    ['public.customers.email', 'allow: personas.analyst.data.mask."public.customers.email", shown as hash'],
    ['public.users', 'allow: no rule of data hides it'],
    ['public.customer_totals', 'allow: personas.analyst.data.allow[0] "public.customer_totals"'],
  ])('tells what the rules for data say of %s', async (table, expected) => {
    const { answer } = await run('explain', '--as', 'persona:analyst', '--table', table);
    expect(stepsOf(answer).at(-1)).toBe(`table ${expected}`);
  });

  it.each([
    ['app.net_price', 'allow: personas.analyst.data.functions[0] "app.net_price"'],
    ['geo.anything', 'allow: personas.analyst.data.functions[1] "geo.*"'],
    ['app.other', 'deny: no rule of personas.analyst.data.functions matches'],
  ])('tells whether SQL of its own may call %s', async (name, expected) => {
    const { answer } = await run('explain', '--as', 'persona:analyst', '--function', name);
    expect(stepsOf(answer).at(-1)).toBe(`function ${expected}`);
  });

  it.each(['salaries', 'hr.*', 'a.b.c.d'])('takes %s for no table', async (table) => {
    const { code, answer } = await run('explain', '--as', 'persona:analyst', '--table', table);
    expect([code, answer.error?.code]).toEqual([2, 'INVALID_INPUT']);
  });

  it('lists all tools where none is named', async () => {
    const { answer } = await run('explain', '--as', 'analyst');
    const verdicts = answer.tools?.map(({ verdict }) => verdict);
    expect(verdicts).toEqual(verdicts?.toSorted());
    expect(answer.tools?.find(({ name }) => name === 'list_tables')).toMatchObject({
      verdict: 'deny',
      rule: 'personas.analyst.tools.deny[0] "list_tables"',
    });
  });

  it.each([
    [['--as', 'anlyst'], 'NOT_FOUND', 'Did you mean \\"analyst\\"'],
    [['--as', 'analyst', '--tool', 'list_tabels'], 'NOT_FOUND', 'Did you mean \\"list_tables\\"'],
    [['--as', 'analyst', '--tool', 'tools/list'], 'NOT_FOUND', 'No operation'],
    [['--as', 'analyst', '--server', 'shop-us'], 'NOT_FOUND', 'Did you mean'],
    [['--as', 'key:NoKeyOfOurs1'], 'NOT_FOUND', 'is no persona, role or key'],
    [[], 'INVALID_INPUT', 'Add --as'],
  ])('refuses %j', async (args, code, words) => {
    const { answer } = await run('explain', ...args);
    expect(answer.error?.code).toBe(code);
    expect(JSON.stringify(answer)).toContain(words);
  });

  it('says that a stranger has no persona, and nobody is anonymous', async () => {
    expect(stepsOf((await run('explain', '--as', 'role:nobody')).answer).at(-1)).toContain('persona deny: no persona');
    expect(stepsOf((await run('explain', '--as', 'anonymous')).answer)).toEqual([
      'credential deny: auth.anonymous is not configured',
    ]);
  });
});

describe('testing', () => {
  it('holds the example of the guide', async () => {
    const { code, answer, stderr } = await test(EXPECTATIONS);
    expect({ code, stderr, mismatches: answer.mismatches }).toEqual({ code: 0, stderr: '', mismatches: [] });
    expect(answer.checked).toBeGreaterThan(8);
  });

  it('names every mismatch with its line and the rule that decided', async () => {
    const { code, answer } = await test(`expectations:
  - as: analyst
    persona: viewer
    allow: [list_tables]
    deny:
      - { tool: activity, rule: x }
      - { tool: list_tables, rule: 'personas.analyst.tools.deny[1] "list_tables"' }
`);
    expect(code).toBe(1);
    expect(answer.mismatches).toMatchObject([
      { line: 3, what: 'persona', expected: 'viewer', is: 'analyst' },
      { line: 4, what: 'list_tables', is: 'deny', rule: 'personas.analyst.tools.deny[0] "list_tables"' },
      { line: 6, what: 'activity', is: 'allow', rule: 'personas.analyst.tools.allow[2] "activity"' },
      { line: 7, what: 'list_tables', is: 'deny' },
    ]);
  });

  it('names all that means nothing at once, and tests nothing then', async () => {
    const form = await test('expectations:\n  - { as: viewer, alow: [x] }\n  - { as: 5 }\n');
    expect(form.code).toBe(2);
    expect(form.answer.error?.message).toMatch(/alow is an unknown key; did you mean `allow`[^]*expectations\[1\]/);
    const names = await test(
      'expectations:\n  - as: viewr\n    allow: [x]\n  - as: dba\n    allow: [list_tabls, lst_*]\n',
    );
    expect(names.code).toBe(2);
    expect(names.answer.error?.message).toMatch(
      /line 2: "viewr"[^]*line 4: .*"list_tabls"[^]*"lst_\*" matches no tool/,
    );
    expect((await test('a: [')).code).toBe(2);
    expect((await test('')).code).toBe(2);
  });
});

describe('comparing', () => {
  it('finds nothing in the same rules', async () => {
    expect(await diff(SERVERS + PERSONAS + AUTH)).toMatchObject({ code: 0, answer: { same: true, changes: [] } });
  });

  it('tells what each persona and caller gains and loses', async () => {
    const next = PERSONAS.replace('deny: [list_tables]', 'deny: [activity]').replace('rows: 1000', 'rows: 5');
    const { code, answer } = await diff(`${SERVERS}${next.replace("'group:data'", "'group:other'")}  new: {}\n${AUTH}`);
    expect(code).toBe(1);
    expect(answer.changes).toEqual(
      expect.arrayContaining([
        { of: 'personas.analyst', what: 'roles', lost: ['group:data'], gained: ['group:other'] },
        { of: 'personas.analyst', what: 'tools', lost: ['activity'], gained: ['list_tables'] },
        { of: 'personas.analyst', what: 'limits.rows', lost: ['1000'], gained: ['5'] },
        { of: 'personas.new', what: 'persona', lost: [], gained: ['is there'] },
        { of: `key:${KEY}`, what: 'persona', lost: ['analyst'], gained: ['none'] },
      ]),
    );
  });

  it('sees a change that has no effect yet, and refuses a file that could not be used', async () => {
    const { code, answer } = await diff(SERVERS + PERSONAS.replace('area:tables', 'area:table*') + AUTH);
    expect([code, answer.changes]).toEqual([
      1,
      [
        {
          of: 'personas.analyst',
          what: 'rules',
          lost: ['tools.allow "area:tables"'],
          gained: ['tools.allow "area:table*"'],
        },
      ],
    ]);
    expect((await diff('personas: { a: { tools: { allow: ["**"] } } }')).code).toBe(2);
  });
});
