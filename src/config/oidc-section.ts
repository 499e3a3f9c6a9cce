import { z } from 'zod';
import { Scope } from '../contract/scope.ts';

/** Signatures that only the issuer can make; `none` and those of a shared secret are not among them. */
export const TOKEN_ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
] as const;

/** Longer is no difference of clocks. */
const MOST_TOLERANCE_S = 300;

/** Whether what is sent to an address, or comes from it, can be read and changed by nobody on the way. */
export function isSecureUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  if (url.username !== '' || url.password !== '' || url.hash !== '') return false;
  if (url.protocol === 'https:') return true;
  return url.protocol === 'http:' && /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(url.hostname);
}

const SECURE = 'is no address that can be trusted; write https:// and the whole of it (http:// only on this machine)';
const SecureUrl = z.string().refine(isSecureUrl, { error: SECURE });

/** An issuer is compared as a text (RFC 8414 §3.3), so that nothing may be in it that is written in two ways. */
const Issuer = SecureUrl.refine((text) => !text.includes('?') && !text.includes('{'), {
  error:
    'is not the address of one issuer; write it as `iss` has it in a token, with the tenant in place of a variable',
});

const ClaimPath = z
  .union([z.string().min(1), z.array(z.string().min(1)).min(1).max(10)])
  .transform((path) => (typeof path === 'string' ? splitClaimPath(path) : path));

/** `realm_access.roles` is a key in a key; a dot of a key itself is written `\.`, and an address is one key. */
export function splitClaimPath(path: string): string[] {
  if (path.includes('://')) return [path];
  return path.split(/(?<!\\)\./).map((key) => key.replaceAll(String.raw`\.`, '.'));
}

const Seconds = z
  .string()
  .regex(/^\d{1,4}s$/, 'is no time; write seconds, such as 60s')
  .refine((text) => !/^\d{1,4}s$/.test(text) || secondsOf(text) <= MOST_TOLERANCE_S, {
    error: `is more than ${MOST_TOLERANCE_S}s; set the clocks instead`,
  });

export function secondsOf(text: string): number {
  return Number(text.slice(0, -1));
}

export const OidcIssuer = z.strictObject({
  issuer: Issuer.describe('Address of the issuer, exactly as `iss` has it in its tokens.'),
  audience: z
    .string()
    .min(1)
    .optional()
    .describe('What `aud` of a token must hold; by default the address of /mcp under http.public_url.'),
  jwks_uri: SecureUrl.optional().describe(
    'Where its keys are; by default what its metadata says (RFC 8414, OpenID Connect Discovery).',
  ),
  algorithms: z
    .array(z.enum(TOKEN_ALGORITHMS))
    .min(1)
    .optional()
    .describe('Signatures that count; by default every one that only the issuer can make.'),
  clock_tolerance: Seconds.default('60s').describe('How far its clock and the own one may be apart.'),
  subject_claim: ClaimPath.prefault('sub').describe(
    'Claim that names the caller, such as sub or oid; `email` counts only with `email_verified`.',
  ),
  roles_claim: ClaimPath.prefault('roles').describe(
    String.raw`Claim that holds the roles, a text or a list: realm_access.roles, a\.b for a key with a dot, or a list of keys.`,
  ),
  role_prefix: z
    .string()
    .min(1)
    .max(100)
    .optional()
    .describe('Only roles that begin with it count, without it: with howdah- the role howdah-dba is dba.'),
  roles: z
    .record(
      z.string().min(1),
      z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]).describe('One role or several.'),
    )
    .optional()
    .describe('What roles of its tokens are called here; others do not count. After the prefix is taken away.'),
  scopes: z
    .record(z.string().min(1), Scope.describe('What it is here.'))
    .optional()
    .describe(
      'What scopes of its tokens (`scope`, `scp`) are here; by default those that are called pg:read and so on.',
    ),
  default_scopes: z
    .array(Scope)
    .optional()
    .describe(
      'Scopes of a token that has none of them; by default pg:read and pg:query, and none where `scopes` is set.',
    ),
});
export type OidcIssuer = z.output<typeof OidcIssuer>;
