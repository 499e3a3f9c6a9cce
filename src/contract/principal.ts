import { z } from 'zod';

/** Who is calling, and how that was proven. */
export const Principal = z.object({
  issuer: z.string().describe('Who vouches for the subject: `local`, `key`, or the address of an OIDC issuer.'),
  subject: z.string().describe('The name under that issuer; for `local` the operating-system user.'),
  method: z.enum(['local', 'api_key', 'access_token', 'oidc', 'anonymous']),
  client: z.string().nullable().describe('The OAuth client or API key that acts for the subject.'),
  roles: z.array(z.string()).describe('What personas are chosen by.'),
});
export type Principal = z.output<typeof Principal>;
