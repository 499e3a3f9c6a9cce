import { expect, it } from 'vitest';
import type { RoleFacts } from '../../postgres/database.ts';
import { hasPrivilege, hiddenFrom } from './privileges.ts';

const role: RoleFacts = {
  name: 'monitor',
  superuser: false,
  createRole: false,
  createDatabase: false,
  replication: false,
  bypassRls: false,
  predefinedRoles: ['pg_monitor', 'pg_read_all_stats'],
  effectiveRoles: ['pg_monitor', 'pg_read_all_stats'],
};
const sees = [{ what: 'statements of others', privilege: 'pg_read_all_stats' }] as const;

it('hides nothing from a superuser, nor from one who has the right', () => {
  expect(hiddenFrom(role, sees)).toEqual([]);
  expect(hiddenFrom({ ...role, superuser: true, predefinedRoles: [], effectiveRoles: [] }, sees)).toEqual([]);
});

it('tells a member that does not inherit how to inherit, and others how to become a member', () => {
  const idle = { ...role, effectiveRoles: [] };
  expect(hasPrivilege(idle, 'pg_monitor')).toBe(false);
  expect(hiddenFrom(idle, sees)).toEqual([
    {
      what: 'statements of others',
      reason: 'The login "monitor" is a member of pg_read_all_stats, and does not inherit its rights.',
      remedy: expect.stringContaining('ALTER ROLE "monitor" INHERIT;'),
    },
  ]);
  expect(hiddenFrom({ ...idle, predefinedRoles: [] }, sees)).toEqual([
    expect.objectContaining({ remedy: 'GRANT pg_monitor TO "monitor";' }),
  ]);
});
