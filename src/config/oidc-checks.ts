import { rolesOf, describeIdleRoles } from './auth-checks.ts';
import type { Problem } from './problem.ts';
import { BUILT_IN_PERSONAS, type Config } from './schema.ts';

type Checked = Pick<Config, 'auth' | 'http' | 'personas'>;

/** Issuers whose tokens could not be told apart from those of others. */
export function findIssuerProblems({ auth, http }: Checked): Problem[] {
  const places = new Map<string, number>();
  return auth.oidc.flatMap(({ issuer, audience }, i) => {
    const path = `auth.oidc[${i}]`;
    const before = places.get(issuer);
    if (before === undefined) places.set(issuer, i);
    return [
      ...(before === undefined
        ? []
        : [{ path: `${path}.issuer`, message: `is that of auth.oidc[${before}] too; take one of them away` }]),
      ...(audience === undefined && http.public_url === undefined
        ? [
            {
              path: `${path}.audience`,
              message:
                'is missing: without it a token for any other service of the issuer would count; write what `aud` of a token for Howdah has, or set http.public_url, whose /mcp is the default',
            },
          ]
        : []),
    ];
  });
}

/** Issuers whose tokens choose no persona, though nothing is wrong with their form. */
export function findIssuerWarnings(checked: Checked): string[] {
  const roles = rolesOf(checked);
  return checked.auth.oidc.flatMap((entry, i) => {
    const path = `auth.oidc[${i}]`;
    if (entry.roles !== undefined) {
      const given = Object.values(entry.roles).flat();
      const isIdle = !given.some((role) => roles.has(role.normalize('NFC')));
      return isIdle ? [describeIdleRoles(`${path}.roles`, given, roles)] : [];
    }
    if (entry.role_prefix !== undefined || explicitRoles(checked.personas).size > 0) return [];
    return [
      `${path} says not which roles of its tokens count, and those of built-in personas (${BUILT_IN_PERSONAS.join(', ')}) do not by their name alone; set role_prefix, such as howdah-, or roles, such as { "DB admins": dba }.`,
    ];
  });
}

/** Roles that personas of the file name. */
export function explicitRoles(personas: Config['personas']): ReadonlySet<string> {
  const named = Object.entries(personas).flatMap(([name, { roles = [name] }]) => roles);
  return new Set(named.map((role) => role.normalize('NFC')));
}
