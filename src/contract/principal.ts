import { z } from 'zod';

/** Patterns as in the `allow` lists of a persona; a list that is missing narrows nothing. */
export const Narrowing = z.object({
  path: z.string().describe('Where the patterns stand, such as `auth.api_keys[0]`.'),
  tools: z.array(z.string()).optional(),
  servers: z.array(z.string()).optional(),
});
export type Narrowing = z.output<typeof Narrowing>;

/** Who is calling, and how that was proven. */
export const Principal = z.object({
  issuer: z.string().describe('Who vouches for the subject: `local`, `key`, or the address of an OIDC issuer.'),
  subject: z.string().describe('The name under that issuer; for `local` the operating-system user.'),
  method: z.enum(['local', 'api_key', 'access_token', 'oidc', 'anonymous']),
  client: z.string().nullable().describe('The OAuth client or API key that acts for the subject.'),
  roles: z.array(z.string()).describe('What personas are chosen by.'),
  narrowing: Narrowing.optional().describe('What the credential leaves of the rights of the persona.'),
});
export type Principal = z.output<typeof Principal>;
