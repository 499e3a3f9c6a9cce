import type { Principal } from '../contract/principal.ts';

/**
 * Whoever runs Howdah on this machine, over stdio or on the command line. It has `persona`, whatever that persona's
 * roles are; the operating system has proven who it is.
 */
export function localPrincipal(persona: string, osUser: string): Principal {
  return { issuer: 'local', subject: osUser, method: 'local', client: null, roles: [persona] };
}
