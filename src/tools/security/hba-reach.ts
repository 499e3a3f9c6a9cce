import { BlockList, isIP } from 'node:net';
import type { StoredRule } from './hba-rule.ts';
import { showAddress } from './hba-rule.ts';

type Matching = Pick<StoredRule, 'type' | 'database' | 'user' | 'address' | 'netmask'>;

/** From where a rule lets in: by the socket, from the machine itself, from one other machine, from several, from all. */
export type Reach = 'local' | 'loopback' | 'host' | 'network' | 'anywhere';

export function reachOf(rule: Matching): Reach {
  const { type, address, netmask } = rule;
  if (type === 'local' || address === null) return 'local';
  if (address === 'all') return 'anywhere';
  if (address === 'samehost' || address === 'localhost') return 'loopback';
  const range = rangeOf(rule);
  // a mask with gaps is of several machines, too
  if (!range) return netmask !== null || address === 'samenet' || address.startsWith('.') ? 'network' : 'host';
  if (range.bits === 0) return 'anywhere';
  if (LOOPBACK.check(range.address, range.family)) return range.bits >= 8 ? 'loopback' : 'network';
  return range.bits === WHOLE[range.family] ? 'host' : 'network';
}

interface Range {
  readonly address: string;
  readonly bits: number;
  readonly family: 'ipv4' | 'ipv6';
}

const WHOLE: Readonly<Record<Range['family'], number>> = { ipv4: 32, ipv6: 128 };

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/** Undefined of names and keywords. */
function rangeOf(rule: Pick<Matching, 'address' | 'netmask'>): Range | undefined {
  const [address = '', bits] = showAddress(rule)?.split('/') ?? [];
  const version = isIP(address);
  if (version === 0) return undefined;
  const family = version === 4 ? 'ipv4' : 'ipv6';
  return { address, bits: bits === undefined ? WHOLE[family] : Number(bits), family };
}

/** The kinds of connections that a type of rule is for: https://www.postgresql.org/docs/current/auth-pg-hba-conf.html */
const CONNECTIONS: Readonly<Record<string, readonly string[]>> = {
  local: ['socket'],
  host: ['tls', 'gss', 'plain'],
  hostssl: ['tls'],
  hostnossl: ['gss', 'plain'],
  hostgssenc: ['gss'],
  hostnogssenc: ['tls', 'plain'],
};

/** Whether no connection can come to the second rule that the first would not have decided on. */
export function covers(first: Matching, second: Matching): boolean {
  const taken = CONNECTIONS[first.type ?? ''] ?? [];
  const left = CONNECTIONS[second.type ?? ''] ?? [];
  return (
    left.length > 0 &&
    left.every((each) => taken.includes(each)) &&
    coversDatabases(first.database ?? [], second.database ?? []) &&
    coversNames(first.user ?? [], second.user ?? []) &&
    coversAddress(first, second)
  );
}

function coversNames(first: readonly string[], second: readonly string[]): boolean {
  return first.includes('all') || second.every((each) => first.includes(each));
}

/** `all` is every database, and not replication. */
function coversDatabases(first: readonly string[], second: readonly string[]): boolean {
  return second.every((each) => first.includes(each) || (first.includes('all') && each !== 'replication'));
}

function coversAddress(first: Matching, second: Matching): boolean {
  if (first.address === 'all') return true;
  const [outer, inner] = [rangeOf(first), rangeOf(second)];
  if (!outer || !inner) return first.address === second.address && first.netmask === second.netmask;
  if (outer.family !== inner.family || inner.bits < outer.bits) return false;
  const list = new BlockList();
  list.addSubnet(outer.address, outer.bits, outer.family);
  return list.check(inner.address, inner.family);
}
