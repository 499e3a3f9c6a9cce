import { expect, it } from 'vitest';
import { PersonaSpec } from '../contract/persona.ts';
import type { Principal } from '../contract/principal.ts';
import { compilePersonas } from './compile.ts';
import { withGrants } from './grants.ts';
import type { Grant } from './policy.ts';

const START = Date.parse('2026-01-01T12:00:00.000Z');
const HOUR = 3_600_000;
const listTables = { name: 'list_tables', area: 'tables', accessClass: 'schema' } as const;

const caller = (subject: string, ...roles: string[]): Principal => ({
  issuer: 'key',
  subject,
  method: 'api_key',
  client: null,
  roles,
});

const grant = (more: Partial<Grant>): Grant => ({
  id: 'g1',
  issuer: null,
  subject: null,
  role: null,
  persona: 'viewer',
  at: new Date(START).toISOString(),
  until: new Date(START + HOUR).toISOString(),
  author: 'local:root',
  reason: 'incident',
  ...more,
});
const toAda = { issuer: 'key', subject: 'ada' };

function policyWith(grants: readonly Grant[]) {
  const clock = { now: START };
  const personas = { own: PersonaSpec.parse({ roles: ['own'], tools: { allow: ['query'] } }) };
  return { clock, policy: withGrants(compilePersonas(personas), grants, () => clock.now) };
}

it('puts the granted persona in the place of the own one until the moment that it ends', () => {
  const { clock, policy } = policyWith([grant(toAda)]);
  const ada = caller('ada', 'own');
  expect(policy.personaFor(ada)).toMatchObject({ name: 'viewer', grant: 'g1' });
  expect(policy.personaFor(ada)).toBe(policy.personaFor(ada));
  expect(policy.contenders(ada)).toEqual(['viewer']);
  expect(policy.personaFor(caller('bob', 'own'))).toMatchObject({ name: 'own' });
  clock.now += HOUR - 1;
  expect(policy.personaFor(ada)?.name).toBe('viewer');
  clock.now += 1;
  expect(policy.personaFor(ada)).toMatchObject({ name: 'own' });
  expect(policy.personaFor(ada)?.grant).toBeUndefined();
  expect(policy.grants(ada)).toEqual([]);
});

it('gives to whoever has a role, however it is written, and nothing to callers without a credential', () => {
  const { policy } = policyWith([grant({ role: 'caf\u00e9' })]);
  expect(policy.personaFor(caller('ada', 'cafe\u0301'))?.name).toBe('viewer');
  expect(policy.personaFor(caller('ada', 'Caf\u00e9'))).toBeUndefined();
  const { policy: local } = policyWith([grant({ role: 'dba' }), grant({ id: 'g2', issuer: 'local', subject: 'root' })]);
  const root: Principal = { issuer: 'local', subject: 'root', method: 'local', client: null, roles: ['dba'] };
  expect(local.personaFor(root)?.name).toBe('dba');
});

it('takes a grant for the caller before one for a role, and gives none where two differ or name nothing', () => {
  const forRoles = [grant({ id: 'a', role: 'x' }), grant({ id: 'b', role: 'y', persona: 'dba' })];
  const { policy } = policyWith([...forRoles, grant({ ...toAda, id: 'c', persona: 'analyst' })]);
  expect(policy.personaFor(caller('ada', 'x', 'y'))?.grant).toBe('c');
  expect(policy.personaFor(caller('bob', 'x'))?.name).toBe('viewer');
  expect(policy.personaFor(caller('bob', 'x', 'y', 'own'))).toBeUndefined();
  expect(policy.contenders(caller('bob', 'x', 'y', 'own'))).toEqual(['viewer', 'dba']);
  const { policy: lost } = policyWith([grant({ ...toAda, persona: 'gone' })]);
  expect(lost.personaFor(caller('ada', 'own'))).toBeUndefined();
});

it('leaves of a granted persona what the credential leaves', () => {
  const { policy } = policyWith([grant(toAda)]);
  const narrowed = { ...caller('ada', 'own'), narrowing: { path: 'auth.api_keys[0]', tools: ['table_bloat'] } };
  expect(policy.personaFor(caller('ada'))?.operation(listTables).allowed).toBe(true);
  expect(policy.personaFor(narrowed)?.operation(listTables).allowed).toBe(false);
  expect(policy.personaFor(narrowed)?.grant).toBe('g1');
});
