import type { Config } from '../../config/schema.ts';
import { secondsOf } from '../../config/oidc-section.ts';
import type { Principal } from '../../contract/principal.ts';
import { Scope } from '../../contract/scope.ts';
import { isRecord } from '../../core/record.ts';
import type { Recognized } from '../bearer.ts';

export type IssuerSpec = Config['auth']['oidc'][number];
export type Claims = Readonly<Record<string, unknown>>;

/** OpenID Connect Core §2 has the same limit for `sub`. */
const LONGEST_NAME = 255;
const LONGEST_ROLE = 200;
/** Roles of one token that count here: more of them are a mistake, or somebody's attempt to fill the audit log. */
const MOST_ROLES = 200;

/** What a token whose signature is right stands for; `detail` says why for nobody, with what may be logged of it. */
export type Judged = Recognized | { readonly detail: string; readonly facts?: Readonly<Record<string, unknown>> };

export interface ClaimRules {
  readonly spec: IssuerSpec;
  readonly audience: string;
  /** Names of built-in personas that no persona of the configuration is for: a claim alone does not choose them. */
  readonly builtInRoles: ReadonlySet<string>;
}

export function compileClaims(rules: ClaimRules): (claims: Claims, nowMs: number) => Judged {
  const { spec, audience } = rules;
  const toleranceS = secondsOf(spec.clock_tolerance);
  const rolesOf = compileRoles(rules);
  const scopesOf = compileScopes(spec);
  return (claims, nowMs) => {
    const flaw = flawOfPurpose(claims, audience) ?? flawOfTime(claims, Math.floor(nowMs / 1000), toleranceS);
    if (flaw) return flaw;
    const subject = textAt(claims, spec.subject_claim);
    if (subject === undefined || subject === '' || subject.length > LONGEST_NAME) return { detail: 'no subject' };
    const isEmailTrusted = [spec.subject_claim, spec.roles_claim].every((path) => isVerified(claims, path));
    if (!isEmailTrusted) return { detail: 'e-mail not verified' };
    const roles = rolesOf(textsAt(claims, spec.roles_claim));
    if (roles.length > MOST_ROLES) return { detail: 'too many roles', facts: { roles: roles.length } };
    const principal: Principal = { issuer: spec.issuer, subject, method: 'oidc', client: clientOf(claims), roles };
    return { principal, scopes: scopesOf(claims), expiresAtMs: (Number(claims['exp']) + toleranceS + 1) * 1000 };
  };
}

/** A token for somebody else, or for something else than calling. */
function flawOfPurpose(claims: Claims, audience: string): Judged | undefined {
  const { aud } = claims;
  const isOurs = Array.isArray(aud) ? aud.includes(audience) : aud === audience;
  if (!isOurs) return { detail: 'another audience', facts: { audience: shown(aud), expected: audience } };
  // marks of an ID token, of OpenID Connect Core §3.3.2.11, Keycloak and Cognito: its audience may be the own client
  const isForSigningIn =
    claims['at_hash'] !== undefined ||
    claims['c_hash'] !== undefined ||
    claims['token_use'] === 'id' ||
    (typeof claims['typ'] === 'string' && /^(id|refresh|offline|logout)$/i.test(claims['typ']));
  return isForSigningIn ? { detail: 'made for signing in' } : undefined;
}

/** Whole seconds, as in the claims: clocks that are as far apart as tolerated work, and those a second further do not. */
function flawOfTime(claims: Claims, nowS: number, toleranceS: number): Judged | undefined {
  const { exp, nbf = nowS, iat = nowS } = claims;
  if (!isTime(exp) || !isTime(nbf) || !isTime(iat)) return { detail: 'no times' };
  if (nowS - exp > toleranceS)
    return { detail: 'expired', facts: { seconds_ago: nowS - exp, tolerance_s: toleranceS } };
  const startS = Math.max(nbf, iat);
  if (startS - nowS <= toleranceS) return undefined;
  return { detail: 'not valid yet', facts: { seconds_to_go: startS - nowS, tolerance_s: toleranceS } };
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

/** RFC 9068 §2.2 has `client_id`, OpenID Connect `azp`, Entra ID of old `appid`. */
function clientOf(claims: Claims): string | null {
  const client = claims['client_id'] ?? claims['azp'] ?? claims['appid'];
  return typeof client === 'string' && client !== '' ? client.slice(0, LONGEST_NAME) : null;
}

/** Only what is named here counts: by a prefix, by the list of the issuer, or as a role that a persona is given. */
function compileRoles({ spec, builtInRoles }: ClaimRules): (claimed: readonly string[]) => string[] {
  const { role_prefix: prefix = '', roles } = spec;
  const listed = roles && new Map(Object.entries(roles).map(([name, as]) => [name, [as].flat()]));
  const isExplicit = listed !== undefined || prefix !== '';
  const nameOf = (claimed: string): readonly string[] => {
    const name = claimed.slice(prefix.length);
    if (!claimed.startsWith(prefix) || name === '' || claimed.length > LONGEST_ROLE) return [];
    if (listed) return listed.get(name) ?? [];
    return isExplicit || !builtInRoles.has(name.normalize('NFC')) ? [name] : [];
  };
  return (claimed) => [...new Set(claimed.flatMap(nameOf))];
}

const DEFAULT_SCOPES: readonly Scope[] = ['pg:read', 'pg:query'];

function compileScopes({ scopes, default_scopes: byDefault }: IssuerSpec): (claims: Claims) => readonly Scope[] {
  const listed = new Map(Object.entries(scopes ?? Object.fromEntries(Scope.options.map((scope) => [scope, scope]))));
  const otherwise = byDefault ?? (scopes ? [] : DEFAULT_SCOPES);
  return ({ scope, scp }) => {
    const claimed = [scope, scp].flat().flatMap((value) => (typeof value === 'string' ? value.split(' ') : []));
    const ours = Scope.options.filter((option) => claimed.some((name) => listed.get(name) === option));
    return ours.length > 0 ? ours : otherwise;
  };
}

/** An e-mail address is whoever's it says only where the issuer has looked; `email_verified` stands beside it. */
function isVerified(claims: Claims, path: readonly string[]): boolean {
  if (path.at(-1) !== 'email') return true;
  const verified = valueAt(claims, [...path.slice(0, -1), 'email_verified']);
  return verified === true || verified === 'true';
}

function textAt(claims: Claims, path: readonly string[]): string | undefined {
  const value = valueAt(claims, path);
  return typeof value === 'string' ? value : undefined;
}

/** A text alone is a list of one. */
function textsAt(claims: Claims, path: readonly string[]): string[] {
  return [valueAt(claims, path)].flat().filter((value) => typeof value === 'string');
}

function valueAt(claims: Claims, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (value, key) => (isRecord(value) && Object.hasOwn(value, key) ? value[key] : undefined),
    claims,
  );
}

/** Signed by the issuer, and still no longer than a line of the log. */
function shown(value: unknown): string {
  return JSON.stringify(value ?? 'none').slice(0, 300);
}
