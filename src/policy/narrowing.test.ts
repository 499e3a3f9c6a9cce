import { describe, expect, it } from 'vitest';
import { PersonaSpec } from '../contract/persona.ts';
import type { Narrowing, Principal } from '../contract/principal.ts';
import type { Problem } from '../config/problem.ts';
import { PlatformError } from '../core/errors.ts';
import { compilePersonas } from './compile.ts';
import { createLivePolicy } from './live.ts';

const path = 'auth.api_keys[0]';
const query = { name: 'query', area: 'sql', accessClass: 'query' } as const;
const listTables = { name: 'list_tables', area: 'tables', accessClass: 'schema' } as const;
const bloat = { name: 'table_bloat', area: 'tables', accessClass: 'diagnostic' } as const;

const keyWith = (narrowing: Narrowing | undefined, ...roles: string[]): Principal => ({
  issuer: 'key',
  subject: 'k',
  method: 'api_key',
  client: null,
  roles,
  ...(narrowing && { narrowing }),
});

const anonymous = (name: string): Principal => ({ ...keyWith(undefined, name), method: 'anonymous' });

const specs = {
  support: PersonaSpec.parse({
    tools: { allow: ['class:schema', 'query'], deny: ['list_roles'] },
    servers: { allow: ['shop-*'], deny: ['shop-billing'] },
    databases: { allow: ['*/shop'] },
    limits: { rows: 7 },
    data: { deny: ['hr.*'] },
  }),
};
const policy = compilePersonas(specs);

function narrowed(narrowing: Omit<Narrowing, 'path'>) {
  const persona = policy.personaFor(keyWith({ path, ...narrowing }, 'support'));
  if (!persona) throw new Error('no persona');
  return persona;
}

describe('a narrowed persona', () => {
  it('may do what both the persona and the credential allow, and names the rule that refused', () => {
    const persona = narrowed({ tools: ['area:tables', 'list_roles'] });
    expect(persona.operation(listTables)).toEqual({
      allowed: true,
      rule: 'personas.support.tools.allow[0] "class:schema"',
    });
    expect(persona.operation(query)).toEqual({ allowed: false, rule: 'no rule of auth.api_keys[0].tools matches' });
    expect(persona.operation(bloat)).toEqual({
      allowed: false,
      rule: 'no rule of personas.support.tools.allow matches',
    });
    expect(persona.operation({ name: 'locks', area: 'activity', accessClass: 'diagnostic' })).toEqual({
      allowed: false,
      rule: 'no rule of personas.support.tools.allow matches',
    });
    expect(persona.operation({ ...listTables, name: 'list_roles' })).toEqual({
      allowed: false,
      rule: 'personas.support.tools.deny[0] "list_roles"',
    });
  });

  it('hides the data that the persona hides', () => {
    expect(narrowed({ tools: ['*'] }).data?.schema('hr').access).toBe('denied');
  });

  it('reaches the servers that both allow, and their databases', () => {
    const persona = narrowed({ servers: ['shop-eu', 'shop-billing', 'stock'] });
    expect(persona.server('shop-eu').allowed).toBe(true);
    expect(persona.server('shop-us')).toEqual({ allowed: false, rule: 'no rule of auth.api_keys[0].servers matches' });
    expect(persona.server('shop-billing').rule).toBe('personas.support.servers.deny[0] "shop-billing"');
    expect(persona.server('stock').allowed).toBe(false);
    expect(persona.database('shop-eu', 'shop').allowed).toBe(true);
    expect(persona.database('shop-eu', 'other').allowed).toBe(false);
    expect(persona.database('shop-us', 'shop')).toEqual({
      allowed: false,
      rule: 'no rule of auth.api_keys[0].servers matches',
    });
  });

  it('keeps its name and limits, and a list that is missing narrows nothing', () => {
    const persona = narrowed({ servers: ['*'] });
    expect(persona.name).toBe('support');
    expect(persona.limits.rows).toBe(7);
    expect(persona.operation(query).allowed).toBe(true);
    expect(narrowed({ tools: ['*'] }).server('shop-us').allowed).toBe(true);
  });

  it('may do nothing where a list is empty', () => {
    expect(narrowed({ tools: [] }).operation(query).allowed).toBe(false);
  });

  it('is one object for one credential, and the persona itself without any', () => {
    const mine = keyWith({ path, tools: ['query'] }, 'support');
    const other = keyWith({ path, tools: ['query'] }, 'support');
    expect(policy.personaFor(mine)).toBe(policy.personaFor(mine));
    expect(policy.personaFor(mine)).not.toBe(policy.personaFor(other));
    expect(policy.personaFor(keyWith(undefined, 'support'))).toBe(
      policy.personas().find(({ name }) => name === 'support'),
    );
  });
});

it('AK-05: a key has the rights that its personas have at the moment of the call', () => {
  const live = createLivePolicy(compilePersonas({}));
  const key = keyWith({ path, tools: ['class:query', 'class:admin'] }, 'dba');
  expect(live.personaFor(key)?.operation(query).allowed).toBe(true);
  const before = live.version;
  live.replace(compilePersonas({ dba: PersonaSpec.parse({ tools: { allow: ['class:schema'] } }) }));
  expect(live.version).not.toBe(before);
  expect(live.personaFor(key)?.operation(query)).toEqual({
    allowed: false,
    rule: 'no rule of personas.dba.tools.allow matches',
  });
  live.replace(compilePersonas({ dba: PersonaSpec.parse({ roles: ['group:dba'] }) }));
  expect(live.personaFor(key)).toBeUndefined();
  expect(live.contenders(key)).toEqual([]);
});

it('gives an anonymous caller the persona that the configuration names, whatever its roles are', () => {
  const guests = compilePersonas({ guest: PersonaSpec.parse({ roles: ['x'] }) });
  expect(guests.personaFor(anonymous('guest'))?.name).toBe('guest');
  expect(guests.personaFor(anonymous('x'))).toBeUndefined();
});

it('refuses patterns that cannot mean what was intended, as in personas', () => {
  const known = {
    servers: ['shop-eu'],
    operations: [{ name: 'query', area: 'sql', alsoKnownAs: { execute_sql: {} } }],
  };
  const narrowings = [
    { path, tools: ['query', 'Query', 'execute_sql', 'area:x'], servers: ['shop-*', 'shop-e'] },
    { path: 'auth.api_keys[1]', servers: ['shop-eu'] },
  ];
  let problems: Problem[] = [];
  try {
    compilePersonas({}, known, narrowings);
  } catch (error) {
    if (error instanceof PlatformError) problems = (error.details as { problems: Problem[] }).problems;
  }
  expect(problems.map((problem) => `${problem.path} ${problem.message}`)).toEqual([
    'auth.api_keys[0].tools[1] has capital letters, and no tool has; write query',
    "auth.api_keys[0].tools[2] names an alias, and rules go by the tool's own name; write query",
    'auth.api_keys[0].tools[3] names no area; `howdah tools` lists what there is',
    'auth.api_keys[0].servers[1] names no server; did you mean shop-eu?',
  ]);
});
