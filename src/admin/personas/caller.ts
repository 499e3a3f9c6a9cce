import type { Principal } from '../../contract/principal.ts';
import { PlatformError } from '../../core/errors.ts';
import { nearest } from '../../core/nearest.ts';
import { anonymousPrincipal } from '../../identity/anonymous-principal.ts';
import { principalOf } from '../../identity/api-keys.ts';
import { localPrincipal } from '../../identity/local-principal.ts';
import type { Surroundings } from './surroundings.ts';

/** How a caller is written, for people. */
export const CALLER_FORMS =
  'a persona, roles with commas between them, the id of a key, or anonymous; persona:, role: or key: before it leaves no doubt';

/** A caller that is thought of. */
export interface ImaginedCaller {
  /** Undefined for one who is not let in at all. */
  readonly principal: Principal | undefined;
  /** How it comes in or why not, such as `auth.api_keys[0]`. */
  readonly credential: string;
}

type Known = Pick<Surroundings, 'config' | 'policy'>;

/** Whom `as` means. Fails with NOT_FOUND for what is none of the forms. */
export function imagineCaller(as: string, known: Known): ImaginedCaller {
  if (as === 'anonymous') return imagineAnonymous(known);
  const [, kind, name = ''] = /^(persona|role|key):(.*)$/s.exec(as) ?? [];
  if (kind === 'role') return imagineRoles(name.split(','));
  const found =
    kind === 'persona'
      ? imaginePersona(name, known)
      : kind === 'key'
        ? imagineKey(name, known)
        : (imagineKey(as, known) ?? imaginePersona(as, known) ?? imagineKnownRoles(as, known));
  if (found) return found;
  const near = nearest(name || as, [...personasOf(known), ...rolesOf(known)]);
  throw new PlatformError('NOT_FOUND', `${JSON.stringify(as.slice(0, 100))} is no persona, role or key.`, {
    hint: `${near === undefined ? '' : `Did you mean "${near}"? `}Name ${CALLER_FORMS}.`,
  });
}

/** A caller with these roles, whether or not a persona is for any of them. */
export function imagineRoles(given: readonly string[]): ImaginedCaller {
  const roles = given.map((role) => role.trim());
  const principal: Principal = { issuer: 'key', subject: 'imagined', method: 'api_key', client: null, roles };
  return { principal, credential: `roles ${roles.map((role) => JSON.stringify(role)).join(', ')}` };
}

function imagineAnonymous({ config }: Known): ImaginedCaller {
  const { anonymous } = config.auth;
  return anonymous
    ? { principal: anonymousPrincipal(anonymous.persona), credential: 'auth.anonymous' }
    : { principal: undefined, credential: 'auth.anonymous is not configured' };
}

function imagineKey(id: string, { config }: Known): ImaginedCaller | undefined {
  const index = config.auth.api_keys.findIndex((key) => key.id === id);
  const key = config.auth.api_keys[index];
  if (!key) return undefined;
  const path = `auth.api_keys[${index}]`;
  const hasExpired = key.expires_at !== undefined && Date.parse(key.expires_at) <= Date.now();
  return hasExpired
    ? { principal: undefined, credential: `${path} expired at ${key.expires_at}` }
    : { principal: principalOf(key, index), credential: path };
}

function imaginePersona(name: string, known: Known): ImaginedCaller | undefined {
  if (!personasOf(known).includes(name)) return undefined;
  return { principal: localPrincipal(name, 'imagined'), credential: `the persona "${name}" itself` };
}

function imagineKnownRoles(as: string, known: Known): ImaginedCaller | undefined {
  const roles = rolesOf(known);
  const given = as.split(',').map((role) => role.trim());
  return given.every((role) => roles.includes(role.normalize('NFC'))) ? imagineRoles(given) : undefined;
}

function personasOf({ policy }: Known): string[] {
  return policy()
    .personas()
    .map(({ name }) => name);
}

function rolesOf({ policy }: Known): string[] {
  return policy()
    .personas()
    .flatMap(({ roles }) => [...roles]);
}
