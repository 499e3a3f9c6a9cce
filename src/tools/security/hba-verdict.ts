import type { StoredRule } from './hba-rule.ts';
import { covers, reachOf, type Reach } from './hba-reach.ts';

/** What is the matter with a rule, the worst first. */
export const CONCERNS = [
  'error',
  'no_password',
  'identd',
  'clear_password',
  'never_reached',
  'cannot_match',
  'unencrypted',
  'from_anywhere',
  'clear_to_ldap',
  'md5',
] as const;
export type Concern = (typeof CONCERNS)[number];

export interface JudgedRule extends StoredRule {
  readonly reach: Reach;
  readonly concern: Concern | null;
  /** The line of the earlier rule that decides on all that would come to this one. */
  readonly covered_by: number | null;
}

/** In the order in which the server tries them. */
export function examineRules(rules: readonly StoredRule[]): JudgedRule[] {
  const sound = rules.filter(isTried);
  return rules.map((rule) => {
    const reach = reachOf(rule);
    const cover = isTried(rule) ? sound.slice(0, sound.indexOf(rule)).find((each) => covers(each, rule)) : undefined;
    return { ...rule, reach, covered_by: cover?.line ?? null, concern: concernOf(rule, reach, cover !== undefined) };
  });
}

/** What was read although something is wrong with it stops nothing, and is not tried. */
function isTried({ type, error }: StoredRule): boolean {
  return type !== null && error === null;
}

function concernOf(rule: StoredRule, reach: Reach, covered: boolean): Concern | null {
  // of some lines that it cannot read PostgreSQL does not say what is wrong
  if (rule.type === null) return 'error';
  if (rule.error !== null) return 'cannot_match';
  if (covered) return 'never_reached';
  if (rule.method === 'reject') return null;
  return CHECKS.find(([, applies]) => applies(rule, reach))?.[0] ?? null;
}

const CHECKS: readonly (readonly [Concern, (rule: StoredRule, reach: Reach) => boolean])[] = [
  ['no_password', (rule) => rule.method === 'trust' && !wantsCertificate(rule)],
  ['identd', ({ method }, reach) => method === 'ident' && isRemote(reach)],
  [
    'clear_password',
    ({ method, type }, reach) => method === 'password' && isRemote(reach) && !ENCRYPTED.includes(type),
  ],
  ['unencrypted', ({ type }, reach) => type === 'hostnossl' && isRemote(reach)],
  ['from_anywhere', (rule, reach) => reach === 'anywhere' && !ENCRYPTED.includes(rule.type) && isForAll(rule)],
  ['clear_to_ldap', (rule) => rule.method === 'ldap' && !isLdapEncrypted(rule)],
  ['md5', ({ method }, reach) => method === 'md5' && isRemote(reach)],
];

const ENCRYPTED: readonly (string | null)[] = ['hostssl', 'hostgssenc'];

export function isRemote(reach: Reach): boolean {
  return reach === 'host' || reach === 'network' || reach === 'anywhere';
}

/** https://www.postgresql.org/docs/current/ssl-tcp.html#SSL-CLIENT-CERTIFICATES */
function wantsCertificate({ options }: StoredRule): boolean {
  return options.some((option) => /^clientcert=verify-(?:ca|full)$/.test(option));
}

function isForAll({ database, user }: StoredRule): boolean {
  return database?.includes('all') === true && user?.includes('all') === true;
}

/** https://www.postgresql.org/docs/current/auth-ldap.html */
function isLdapEncrypted({ options }: StoredRule): boolean {
  return options.includes('ldaptls=1') || options.includes('ldapscheme=ldaps');
}
