import { z } from 'zod';
import { Networks } from './http-section.ts';
import { OidcIssuer } from './oidc-section.ts';

const Patterns = z.array(z.string().min(1)).min(1);

const ApiKey = z.strictObject({
  id: z
    .string()
    .regex(/^[0-9A-Za-z]{12}$/, 'is not the id of a key; `howdah key create` prints one')
    .describe('The twelve characters that follow hdh_ in the key.'),
  hash: z
    .string()
    .regex(/^sha256:[0-9a-f]{64}$/, 'is not the hash of a key; `howdah key create` prints one')
    .describe('SHA-256 of the whole key; the key itself stands nowhere.'),
  name: z.string().min(1).max(100).optional().describe('Whose key it is, for people and for the audit log.'),
  roles: z.array(z.string().min(1)).min(1).describe('Roles that choose the persona of the caller.'),
  expires_at: z.iso
    .datetime({ offset: true })
    .optional()
    .describe('When it ends, such as 2027-01-31T00:00:00Z; never by default.'),
  tools: Patterns.optional().describe('Narrows the persona: only these tools, as in `personas.<name>.tools.allow`.'),
  servers: Patterns.optional().describe('Narrows the persona: only these servers.'),
  networks: Networks.min(1).optional().describe('The key works only from these networks.'),
});

/** `name` is the schema of the name of a persona. */
export function authSection(name: z.ZodString) {
  return z.strictObject({
    anonymous: z
      .strictObject({ persona: name.describe('Persona of a caller who presents no credential.') })
      .optional()
      .describe('Without this nobody is served without a credential. All who come in by it are one caller.'),
    cancel_revoked: z
      .boolean()
      .default(true)
      .describe('Whether a call that is under way ends when its caller loses the right to make it.'),
    oidc: z
      .array(OidcIssuer)
      .max(20)
      .default([])
      .describe('Issuers whose tokens (JWT) callers over HTTP present: Keycloak, Entra ID and the like.'),
    api_keys: z.array(ApiKey).default([]).describe('Keys that callers over HTTP present as bearer tokens.'),
  });
}
