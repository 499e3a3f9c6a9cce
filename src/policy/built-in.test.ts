import { expect, it } from 'vitest';
import { PersonaSpec } from '../contract/persona.ts';
import type { Principal } from '../contract/principal.ts';
import { compilePersonas } from './compile.ts';

const caller = (...roles: string[]): Principal => ({
  issuer: 'key',
  subject: 'k',
  method: 'api_key',
  client: null,
  roles,
});

const operations = {
  table_bloat: { area: 'tables', accessClass: 'diagnostic' },
  list_roles: { area: 'security', accessClass: 'diagnostic' },
  list_tables: { area: 'tables', accessClass: 'schema' },
  query: { area: 'sql', accessClass: 'query' },
  audit_search: { area: 'audit', accessClass: 'admin' },
  create_key: { area: 'keys', accessClass: 'admin' },
} as const;

it.each([
  ['viewer', ['table_bloat', 'list_tables']],
  ['analyst', ['list_tables', 'query']],
  ['dba', ['table_bloat', 'list_roles', 'list_tables', 'query']],
  ['auditor', ['audit_search']],
  ['admin', ['table_bloat', 'list_roles', 'list_tables', 'audit_search', 'create_key']],
])('%s may call %j', (name, expected) => {
  const persona = compilePersonas({}).personaFor(caller(name));
  const allowed = Object.entries(operations).filter(([name, facts]) => persona?.operation({ name, ...facts }).allowed);
  expect(allowed.map(([name]) => name)).toEqual(expected);
});

it('gives a caller with several roles the persona with the most rights', () => {
  const policy = compilePersonas({});
  const chosen = (...roles: string[]) => policy.personaFor(caller(...roles))?.name;
  expect(chosen('viewer', 'auditor', 'analyst', 'dba', 'admin')).toBe('admin');
  expect(chosen('viewer', 'dba')).toBe('dba');
  expect(chosen('viewer', 'analyst')).toBe('analyst');
});

it('gives way to a persona of the file, by name and by role', () => {
  const policy = compilePersonas({
    dba: PersonaSpec.parse({ tools: { allow: ['query'] } }),
    support: PersonaSpec.parse({ roles: ['viewer'] }),
  });
  const dba = policy.personaFor(caller('dba'));
  expect(dba?.operation({ name: 'table_bloat', area: 'tables', accessClass: 'diagnostic' }).allowed).toBe(false);
  expect(dba?.limits.rows).toBe(1000);
  expect(policy.personaFor(caller('viewer'))?.name).toBe('support');
  expect(policy.personas().map(({ name }) => name)).toEqual([
    'admin',
    'analyst',
    'auditor',
    'dba',
    'support',
    'viewer',
  ]);
});
