import type { Principal } from '../contract/principal.ts';

/** Whoever calls over HTTP without a credential, where the configuration lets them: all of them are one caller. */
export function anonymousPrincipal(persona: string): Principal {
  return { issuer: 'anonymous', subject: 'anonymous', method: 'anonymous', client: null, roles: [persona] };
}
