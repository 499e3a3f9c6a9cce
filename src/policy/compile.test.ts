import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { PersonaSpec } from '../contract/persona.ts';
import type { Principal } from '../contract/principal.ts';
import { PlatformError } from '../core/errors.ts';
import type { Problem } from '../config/problem.ts';
import { compilePersonas, type KnownNames } from './compile.ts';

type Specs = Parameters<typeof compilePersonas>[0];

const caller = (...roles: string[]): Principal => ({
  issuer: 'https://id.example.org',
  subject: 'ada',
  method: 'oidc',
  client: null,
  roles,
});

const local = (name: string): Principal => ({ ...caller(name), issuer: 'local', method: 'local' });

function parse(specs: Readonly<Record<string, unknown>>): Specs {
  return Object.fromEntries(Object.entries(specs).map(([name, spec]) => [name, PersonaSpec.parse(spec)]));
}

function compile(specs: Readonly<Record<string, unknown>>, known?: KnownNames) {
  return compilePersonas(parse(specs), known);
}

function persona(spec: unknown) {
  const compiled = compile({ p: spec }).personaFor(caller('p'));
  if (!compiled) throw new Error('no persona');
  return compiled;
}

/** `path message` of each problem. */
function problemsOf(specs: Readonly<Record<string, unknown>>, known?: KnownNames): string[] {
  try {
    compile(specs, known);
  } catch (error) {
    if (!(error instanceof PlatformError) || error.code !== 'CONFIG_INVALID') throw error;
    return (error.details as { problems: Problem[] }).problems.map(({ path, message }) => `${path} ${message}`);
  }
  return [];
}

const query = { name: 'query', area: 'sql', accessClass: 'query' } as const;
const listTables = { name: 'list_tables', area: 'tables', accessClass: 'schema' } as const;
const bloat = { name: 'table_bloat', area: 'tables', accessClass: 'diagnostic' } as const;

describe('a persona', () => {
  const analyst = persona({
    tools: { allow: ['class:schema', 'query', 'area:tab*', 'class:query'], deny: ['table_*', 'area:x'] },
  });

  it.each([
    [listTables, true, 'personas.p.tools.allow[0] "class:schema"'],
    [query, true, 'personas.p.tools.allow[1] "query"'],
    [bloat, false, 'personas.p.tools.deny[0] "table_*"'],
    [
      { name: 'locks', area: 'activity', accessClass: 'diagnostic' } as const,
      false,
      'no rule of personas.p.tools.allow matches',
    ],
    [
      { name: 'Query', area: 'Tables', accessClass: 'admin' } as const,
      false,
      'no rule of personas.p.tools.allow matches',
    ],
  ])('decides on an operation and names the rule: %j', (operation, allowed, rule) => {
    expect(analyst.operation(operation)).toEqual({ allowed, rule });
  });

  it('may do nothing that no rule allows', () => {
    expect(persona({}).operation(query)).toEqual({ allowed: false, rule: 'no rule of personas.p.tools.allow matches' });
  });

  it('may reach every server and database unless it says otherwise', () => {
    const p = persona({ tools: { allow: ['*'] } });
    expect(p.server('anything')).toEqual({ allowed: true, rule: 'personas.p.servers.allow[0] "*"' });
    expect(p.database('anything', 'a/b')).toEqual({ allowed: true, rule: 'personas.p.databases.allow[0] "*/*"' });
  });

  it('may reach a database only on a server that it may reach', () => {
    const p = persona({
      servers: { allow: ['shop-*'], deny: ['shop-billing'] },
      databases: { allow: ['*/shop', 'shop-eu/*_log'], deny: ['*/x_log'] },
    });
    expect(p.server('shop-billing')).toEqual({ allowed: false, rule: 'personas.p.servers.deny[0] "shop-billing"' });
    expect(p.server('stock').allowed).toBe(false);
    expect(p.database('shop-billing', 'shop')).toEqual({
      allowed: false,
      rule: 'personas.p.servers.deny[0] "shop-billing"',
    });
    expect(p.database('shop-eu', 'shop')).toEqual({ allowed: true, rule: 'personas.p.databases.allow[0] "*/shop"' });
    expect(p.database('shop-us', 'a_log').allowed).toBe(false);
    expect(p.database('shop-eu', 'a_log').allowed).toBe(true);
    expect(p.database('shop-eu', 'x_log').allowed).toBe(false);
  });

  it('does not take a slash in a name for the one of the pattern', () => {
    const p = persona({ databases: { allow: ['a*/b', 'shop/x/y'] } });
    expect(p.database('a', 'x/b').allowed).toBe(false);
    expect(p.database('a/x', 'b').allowed).toBe(true);
    expect(p.database('a/b', '').allowed).toBe(false);
    expect(p.database('shop', 'x/y').allowed).toBe(true);
    expect(p.database('shop/x', 'y').allowed).toBe(false);
  });

  it('compares names as Unicode, exactly in case', () => {
    const p = persona({ databases: { allow: ['*/caf\u00e9'] } });
    expect(p.database('s', 'cafe\u0301').allowed).toBe(true);
    expect(p.database('s', 'Caf\u00e9').allowed).toBe(false);
  });

  it('has limits as numbers', () => {
    expect(persona({}).limits).toEqual({
      rows: 1000,
      bytes: 1_048_576,
      timeoutMs: 15_000,
      callsPerMinute: 120,
      concurrent: 4,
      outputTokens: Infinity,
      rowsPerDay: Infinity,
      planCost: Infinity,
    });
    const limits = { rows: 5, bytes: '1.5 kB', statement_timeout: '0.5min', calls_per_minute: 7, concurrent: 1 };
    const more = { output_tokens: 4000, rows_per_day: 20, plan_cost: 1e6 };
    expect(persona({ limits: { ...limits, ...more } }).limits).toEqual({
      rows: 5,
      bytes: 1500,
      timeoutMs: 30_000,
      callsPerMinute: 7,
      concurrent: 1,
      outputTokens: 4000,
      rowsPerDay: 20,
      planCost: 1_000_000,
    });
    expect(persona({ limits: { bytes: 4096, statement_timeout: '500ms' } }).limits).toMatchObject({
      bytes: 4096,
      timeoutMs: 500,
    });
  });
});

describe('choosing a persona', () => {
  const policy = compile({
    support: { roles: ['group:support', 'caf\u00e9'] },
    analytics: { roles: ['group:data'] },
    lead: { roles: ['group:data', 'group:leads'], priority: 5 },
  });
  const chosen = (...roles: string[]) => policy.personaFor(caller(...roles))?.name;

  it('goes by role, and by priority among several', () => {
    expect(chosen('group:support')).toBe('support');
    expect(chosen('group:data')).toBe('lead');
    expect(chosen('group:support', 'group:leads')).toBe('lead');
    expect(chosen('x', 'cafe\u0301')).toBe('support');
  });

  it('gives no persona to a caller without a role that is named', () => {
    for (const roles of [[], ['support'], ['GROUP:SUPPORT'], ['constructor'], ['__proto__'], ['']]) {
      expect(policy.personaFor(caller(...roles))).toBeUndefined();
    }
  });

  it('gives no persona when chance would decide, and tells between which', () => {
    const tied = compile({ a: { roles: ['x'] }, b: { roles: ['y'] } });
    expect(tied.personaFor(caller('x', 'y'))).toBeUndefined();
    expect(tied.contenders(caller('x', 'y'))).toEqual(['a', 'b']);
    expect(tied.contenders(caller('z'))).toEqual([]);
    expect(tied.personaFor(caller('x'))?.name).toBe('a');
  });

  it('gives a local caller the persona that the configuration names, whatever its roles are', () => {
    expect(policy.personaFor(local('support'))?.name).toBe('support');
    expect(policy.personaFor(local('group:support'))).toBeUndefined();
    expect(policy.personaFor(local('dba'))?.name).toBe('dba');
  });

  it('stops the start when two personas claim one role with one priority', () => {
    expect(
      problemsOf({ b: { roles: ['x', 'y'] }, a: { roles: ['y', 'x'] }, c: { roles: ['y'], priority: 1 } }),
    ).toEqual(['personas.b shares the role "x" and the priority 0 with personas.a; give one a higher priority']);
    expect(problemsOf({ a: { roles: ['caf\u00e9'] }, b: { roles: ['cafe\u0301'] } })).toHaveLength(1);
    expect(problemsOf({ ops: { roles: ['dba'], priority: -20 } })).toEqual([
      'personas.ops shares the role "dba" and the priority -20 with personas.dba; give one a higher priority',
    ]);
  });
});

describe('names of Object.prototype', () => {
  it('are personas and roles like any other', () => {
    const specs = JSON.parse('{"__proto__": {}, "constructor": {}, "toString": {}}') as Record<string, unknown>;
    const policy = compile(specs);
    for (const name of ['__proto__', 'constructor', 'toString']) {
      expect(policy.personaFor(caller(name))?.name).toBe(name);
      expect(policy.personaFor(local(name))?.name).toBe(name);
      expect(policy.personaFor(caller(name))?.operation(query).allowed).toBe(false);
    }
    expect(policy.personaFor(caller('hasOwnProperty'))).toBeUndefined();
  });
});

describe('the version', () => {
  const base = { a: { roles: ['x', 'y'], tools: { allow: ['query'] }, limits: { bytes: '1MiB' } }, b: {} };

  it('is 16 hexadecimal digits', () => {
    expect(compile(base).version).toMatch(/^[0-9a-f]{16}$/);
  });

  it('does not depend on how the same rules are written', () => {
    const same = {
      b: { priority: 0 },
      a: { limits: { bytes: 1_048_576 }, tools: { allow: ['query'] }, roles: ['y', 'x'] },
    };
    expect(compile(same).version).toBe(compile(base).version);
  });

  it.each([
    ['a role', { ...base, a: { ...base.a, roles: ['x'] } }],
    ['a priority', { ...base, a: { ...base.a, priority: 1 } }],
    ['a rule', { ...base, a: { ...base.a, tools: { allow: ['quer*'] } } }],
    ['a rule on the other side', { ...base, a: { ...base.a, tools: { allow: ['query'], deny: ['query'] } } }],
    ['a server', { ...base, a: { ...base.a, servers: { allow: ['a'] } } }],
    ['a limit', { ...base, a: { ...base.a, limits: { rows: 1 } } }],
    ['a limit that had no bound', { ...base, a: { ...base.a, limits: { bytes: '1MiB', rows_per_day: 5 } } }],
    ['a login', { ...base, a: { ...base.a, login: 'reader' } }],
    ['instructions', { ...base, a: { ...base.a, instructions: 'Ask first.' } }],
    ['a rule about purposes', { ...base, a: { ...base.a, purpose: 'required' } }],
    ['a persona', { ...base, c: {} }],
    ['a built-in persona that is replaced', { ...base, viewer: {} }],
  ])('changes with %s', (_, changed) => {
    expect(compile(changed).version).not.toBe(compile(base).version);
  });
});

it('takes the persona of the guide', () => {
  const guide = readFileSync(new URL('../../docs/personas.md', import.meta.url), 'utf8');
  const [, text = ''] = /```yaml\n(personas:[^]*?)```/.exec(guide) ?? [];
  const { personas } = parseYaml(text) as { personas: Record<string, unknown> };
  const analyst = compile(personas).personaFor(caller('group:data'));
  expect(analyst?.database('shop-eu', 'reports').allowed).toBe(true);
  expect(analyst?.operation(listTables)).toEqual({
    allowed: false,
    rule: 'personas.analyst.tools.deny[0] "list_tables"',
  });
});

it('tells all problems of all personas at once, with their paths', () => {
  const operations = [
    { ...listTables, alsoKnownAs: { get_table_list: {} } },
    { ...query, alsoKnownAs: {} },
  ];
  expect(
    problemsOf(
      {
        a: {
          tools: {
            allow: ['', 'clas:query', 'class:querry', 'class:*', 'List_Tables', 'get_table_list'],
            deny: ['list_table', 'area:table'],
          },
          servers: { allow: ['shop', 'Shop', 'shop.eu', 'shop-**'], deny: ['stok'] },
          databases: { allow: ['shop', 'shop/', 'stok/*', '*/app.*', ''] },
          limits: { bytes: '0B', statement_timeout: '25h' },
        },
        b: { tools: { allow: ['*', '.*', 'a b', 'area:', 'list_*', 'area:t*'] }, databases: { deny: ['*/x'] } },
      },
      { operations, servers: ['shop', 'stock'] },
    ),
  ).toEqual([
    'personas.a.tools.deny[0] names no tool; did you mean list_tables?',
    'personas.a.tools.deny[1] names no area; did you mean tables?',
    'personas.a.tools.allow[0] is empty; write * for every name',
    'personas.a.tools.allow[1] has a colon; only `area:` and `class:` may stand before a name',
    'personas.a.tools.allow[2] names no class; the classes are diagnostic, schema, query, admin',
    'personas.a.tools.allow[3] names no class; the classes are diagnostic, schema, query, admin',
    'personas.a.tools.allow[4] has capital letters, and no tool has; write list_tables',
    "personas.a.tools.allow[5] names an alias, and rules go by the tool's own name; write list_tables",
    'personas.a.servers.deny[0] names no server; did you mean stock?',
    'personas.a.servers.allow[1] has a character that no server name has; those are a-z, 0-9, _ and -',
    'personas.a.servers.allow[2] has a character that no server name has; those are a-z, 0-9, _ and -',
    'personas.a.servers.allow[3] has "**"; one * stands for any run of characters already',
    'personas.a.databases.allow[0] has no slash; write server/database, such as */shop',
    'personas.a.databases.allow[1] is empty; write * for every name',
    'personas.a.databases.allow[2] names no server; did you mean stock?',
    'personas.a.databases.allow[3] looks like another kind of pattern; only * is special, as in shop-*',
    'personas.a.databases.allow[4] is empty; write * for every name',
    'personas.a.limits.bytes must be from 1B to 1GiB',
    'personas.a.limits.statement_timeout must be from 1ms to 24h',
    'personas.b.tools.allow[1] looks like another kind of pattern; only * is special, as in shop-*',
    'personas.b.tools.allow[2] is no name; lower-case letters, digits, _, - and / make one, and * stands for any run of them',
    'personas.b.tools.allow[3] is no name; lower-case letters, digits, _, - and / make one, and * stands for any run of them',
    'personas.b.databases denies but allows nothing; add what is allowed',
  ]);
});

it.each(['1.2.3s', '0ms', '.s', '99999999999999999999h'])('refuses the timeout %s', (timeout) => {
  const spec = PersonaSpec.parse({});
  expect(() => compilePersonas({ a: { ...spec, limits: { statement_timeout: timeout } } })).toThrow(
    'must be from 1ms to 24h',
  );
});

it.each(['0.5B', '1.1GiB', 2 ** 30 + 1])('refuses answers of %s', (bytes) => {
  const spec = PersonaSpec.parse({ limits: { bytes } });
  expect(() => compilePersonas({ a: spec })).toThrow('personas.a.limits.bytes must be from 1B to 1GiB');
});

describe('at scale', () => {
  it('compiles twenty personas of a thousand patterns', () => {
    const patterns = Array.from({ length: 1000 }, (_, i) => `tool_${i}_*`);
    const spec = { tools: { allow: patterns, deny: patterns.slice(500) } };
    const start = performance.now();
    const policy = compile(Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`p${i}`, spec])));
    expect(performance.now() - start).toBeLessThan(2000);
    const p7 = policy.personaFor(caller('p7'));
    expect(p7?.operation({ ...query, name: 'tool_499_x' }).allowed).toBe(true);
    expect(p7?.operation({ ...query, name: 'tool_500_x' }).allowed).toBe(false);
  });

  it('matches a name of a megabyte against a pattern that would make a regular expression backtrack', () => {
    const p = persona({ servers: { allow: ['a*a*a*a*a*a*a*a*b'] } });
    const start = performance.now();
    expect(p.server('a'.repeat(1_000_000)).allowed).toBe(false);
    expect(p.server(`${'a'.repeat(1_000_000)}b`).allowed).toBe(true);
    expect(performance.now() - start).toBeLessThan(5000);
  });
});
