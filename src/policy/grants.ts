import type { Principal } from '../contract/principal.ts';
import { createNarrow } from './narrowing.ts';
import type { CompiledPersona, Grant, Policy } from './policy.ts';

/**
 * The policy with grants over it. While one lasts, its caller has that persona in place of its own, narrowed by its
 * credential all the same. One for the caller itself comes before those for its roles; where several count and name
 * different personas, or one that is not there, the caller has none: chance must not decide, nor an old right come back.
 */
export function withGrants(policy: Policy, grants: readonly Grant[], now: () => number = () => Date.now()): Policy {
  if (grants.length === 0) return policy;
  const byGrantee = new Map<string, { readonly grant: Grant; readonly untilMs: number }[]>();
  for (const grant of grants) {
    const entry = { grant, untilMs: Date.parse(grant.until) };
    byGrantee.set(granteeOf(grant), [...(byGrantee.get(granteeOf(grant)) ?? []), entry]);
  }
  const personas = new Map(policy.personas().map((persona) => [persona.name, persona]));
  const granted = new Map<string, CompiledPersona>();
  const narrow = createNarrow();

  function activeOf(grantee: string): Grant[] {
    const at = now();
    return (byGrantee.get(grantee) ?? []).filter(({ untilMs }) => at < untilMs).map(({ grant }) => grant);
  }

  function active(principal: Principal): readonly Grant[] {
    // the persona of a caller without a credential is what the configuration says
    if (!isGrantable(principal)) return [];
    const own = activeOf(granteeOf({ ...principal, role: null }));
    if (own.length > 0) return own;
    return [...new Set(principal.roles.map((role) => role.normalize('NFC')))].flatMap((role) =>
      activeOf(granteeOf({ issuer: null, subject: null, role })),
    );
  }

  function grantedBy({ id, persona: name }: Grant): CompiledPersona | undefined {
    const persona = granted.get(id) ?? personas.get(name);
    if (persona === undefined) return undefined;
    const made = persona.grant === id ? persona : { ...persona, grant: id };
    granted.set(id, made);
    return made;
  }

  return {
    ...policy,
    version: policy.version,
    personaFor(principal) {
      const [grant, ...others] = active(principal);
      if (grant === undefined) return policy.personaFor(principal);
      if (others.some(({ persona }) => persona !== grant.persona)) return undefined;
      const persona = grantedBy(grant);
      return persona && narrow(persona, principal.narrowing);
    },
    contenders(principal) {
      const found = active(principal);
      return found.length === 0 ? policy.contenders(principal) : [...new Set(found.map(({ persona }) => persona))];
    },
    grants: active,
  };
}

/** Whether a grant can be for such a caller: one that shows a credential. */
export function isGrantable({ method }: Pick<Principal, 'method'>): boolean {
  return method !== 'local' && method !== 'anonymous';
}

/** For whom a grant is. */
export function granteeOf({ issuer, subject, role }: Pick<Grant, 'issuer' | 'subject' | 'role'>): string {
  return JSON.stringify(role === null ? [issuer, subject] : [role.normalize('NFC')]);
}
