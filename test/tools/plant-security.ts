import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { useClone, type Clone } from '../postgres/clone.ts';
import type { Cluster } from '../postgres/clusters.ts';
import { runAs } from '../postgres/platform.ts';
import { useClusterAlone } from '../postgres/sessions.ts';

const FIXTURES = join(import.meta.dirname, 'fixtures');

export interface PlantedSecurity {
  readonly clone: () => Clone;
  /** The name of a role of the fixture. */
  readonly role: (name: string) => string;
  /** Stands wherever the fixture has a secret. */
  readonly secret: string;
  /** Without the beginning of the names of roles, so that answers of all clusters read alike. */
  readonly plain: (text: string) => string;
}

/**
 * Registers hooks that plant fixtures/security.sql in a clone that is empty otherwise. Roles and rights to change
 * settings are those of the cluster, so no other suite that reads them runs meanwhile.
 */
export function usePlantedSecurity(cluster: Cluster): PlantedSecurity {
  useClusterAlone(cluster);
  const clone = useClone(cluster, 'fixture_ext');
  const prefix = `s${randomBytes(4).toString('hex')}_`;
  const secret = `planted${randomBytes(8).toString('hex')}`;
  const fixture = (file: string) =>
    readFileSync(join(FIXTURES, file), 'utf8').replaceAll('ROLE_', prefix).replaceAll('PLANTED', secret);
  beforeAll(async () => {
    await runAs(
      clone().superuserUrl,
      fixture('security.sql'),
      ...(cluster.major >= 15 ? [fixture('security-15.sql')] : []),
    );
  });
  afterAll(() => dropRoles(clone().superuserUrl, prefix));
  return {
    clone,
    secret,
    role: (name) => `${prefix}${name}`,
    plain: (text) => text.replaceAll(prefix, ''),
  };
}

/** With what they own and were granted in that database. */
export async function dropRoles(url: string, prefix: string): Promise<void> {
  const each = (command: string) => `do $$ declare r name; begin
    for r in select rolname from pg_roles where starts_with(rolname::text, '${prefix}') loop execute format('${command}', r); end loop;
  end $$`;
  await runAs(
    url,
    'drop event trigger if exists planted_trigger',
    each('drop owned by %I cascade'),
    each('drop role %I'),
  );
}
