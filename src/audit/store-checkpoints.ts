import { arrayText } from '../postgres/parameter-text.ts';
import type { AcceptedLosses } from './accepted.ts';
import { Checkpoint } from './checkpoint.ts';
import { readCheckpoints } from './checkpoint-file.ts';
import { digestBody, readBody, type PublicKeys, type SignedBody } from './signed-body.ts';
import type { Claim } from './store-chains.ts';
import type { ClaimChecker } from './store-claims.ts';
import type { Exchange } from './store-scan.ts';

/** The first thing that is wrong with the checkpoints of a place. */
export interface BrokenCheckpoint {
  readonly number: number | null;
  readonly at: string | null;
  readonly what: string;
}

export interface CheckedCheckpoints {
  readonly count: number;
  readonly newest: { readonly number: number; readonly at: string; readonly hash: string } | null;
  readonly broken: BrokenCheckpoint | undefined;
}

export interface CheckpointCheck {
  readonly exchange: Exchange;
  readonly keys: PublicKeys;
  readonly claims: Pick<ClaimChecker, 'check'>;
}

const PAGE = 200;
const READ = `select number, body, key_id, signature from howdah.audit_checkpoint
  where number > $1::bigint order by number limit ${PAGE}`;

/** Every checkpoint of the store: its signature, the link to the one before, and the heads that it has. */
export async function checkCheckpoints({ exchange, keys, claims }: CheckpointCheck): Promise<CheckedCheckpoints> {
  const heads: Heads = { known: new Map(), events: 0 };
  let checked: CheckedCheckpoints = { count: 0, newest: null, broken: undefined };
  for (let from = '-9223372036854775808'; ;) {
    const [page] = await exchange([{ text: READ, values: [from] }]);
    const rows = page?.rows ?? [];
    const claimed: Claim[] = [];
    for (const [number, body, keyId, signature] of rows) {
      from = number ?? '';
      const signed = { body: body ?? '', keyId: keyId ?? '', signature: signature ?? '' };
      const read = readBody(keys, Checkpoint, signed);
      if ('value' in read) claimed.push(...claimsOf(read.value, heads, nameOf(read.value)));
      checked = addStored(checked, { number: from, body: signed.body, read, heads });
    }
    await claims.check(claimed);
    if (rows.length < PAGE) return checked;
  }
}

interface StoredCheckpoint {
  /** As the row has it. */
  readonly number: string;
  readonly body: string;
  readonly read: ReturnType<typeof readBody<Checkpoint>>;
  readonly heads: Heads;
}

function addStored(checked: CheckedCheckpoints, { number, body, read, heads }: StoredCheckpoint): CheckedCheckpoints {
  const count = checked.count + 1;
  if ('broken' in read) {
    return { ...checked, count, broken: checked.broken ?? { number: Number(number), at: null, what: read.broken } };
  }
  const { value } = read;
  const what = misplacement(value, number, checked.newest) ?? misfit(value, heads);
  const broken = what === undefined ? undefined : { number: Number(number), at: value.at, what };
  const newest = { number: value.number, at: value.at, hash: digestBody(body) };
  return { count, newest, broken: checked.broken ?? broken };
}

function nameOf({ number, at }: Checkpoint): string {
  return `the checkpoint ${number} of ${at}`;
}

function misplacement(
  { number, previous }: Checkpoint,
  stored: string,
  before: CheckedCheckpoints['newest'],
): string | undefined {
  const expected = (before?.number ?? 0) + 1;
  if (String(number) !== stored) return `It stands in the place of the checkpoint ${stored}.`;
  if (number !== expected) return `${number - expected} checkpoints before it are gone, from ${expected}.`;
  if (previous !== (before?.hash ?? null)) return 'It does not follow the checkpoint before it, which was changed.';
  return undefined;
}

/** How the chains were in the checkpoints that were read, and how many events that makes. */
interface Heads {
  readonly known: Map<string, number>;
  events: number;
}

/** The heads that are not as the checkpoint before had them. */
function claimsOf({ chains }: Checkpoint, heads: Heads, from: string): Claim[] {
  const claims: Claim[] = [];
  for (const { chain, sequence, hash } of chains) {
    const before = heads.known.get(chain);
    if (before === sequence) continue;
    heads.known.set(chain, sequence);
    heads.events += sequence - (before ?? -1);
    claims.push({ chain, sequence, hash, from });
  }
  return claims;
}

function misfit({ totals, chains }: Checkpoint, { known, events }: Heads): string | undefined {
  const isRight = totals.chains === known.size && totals.events === events;
  if (isRight && chains.every((chain) => chain.events === chain.sequence + 1)) return undefined;
  return 'Its totals are not those of its chains.';
}

export interface CheckedFile extends CheckedCheckpoints {
  /** What was accepted as lost before. */
  readonly accepted: number;
  /** What the store lacks or has otherwise. */
  readonly missing: readonly { readonly number: number; readonly at: string }[];
}

/** Of the numbers in a file that the store lacks, that many are kept. */
const MAX_MISSING = 100_000;

/** Checkpoints outside the store: each must be in the store as it is in the file, and its heads in the log. */
export async function checkCheckpointFile(
  path: string,
  { exchange, keys, claims }: CheckpointCheck,
  losses: Pick<AcceptedLosses, 'hasCheckpoint'>,
): Promise<CheckedFile> {
  const heads: Heads = { known: new Map(), events: 0 };
  const state: FileState = { count: 0, newest: null, broken: undefined, accepted: 0, missing: [] };
  for await (const batch of batches(readCheckpoints(path))) {
    const numbers = batch.flatMap((line) => numberOf(line) ?? []);
    const stored = await readStored(exchange, numbers);
    for (const line of batch) {
      state.count += 1;
      const read = line === undefined ? { broken: 'It is no checkpoint.' } : readBody(keys, Checkpoint, line);
      if ('broken' in read) {
        state.broken ??= { number: null, at: null, what: `Line ${state.count} of the file: ${read.broken}` };
      } else if (addLine(state, read.value, { digest: digestBody(line?.body ?? ''), stored, losses })) {
        await claims.check(
          claimsOf(read.value, heads, `the file, checkpoint ${read.value.number} of ${read.value.at},`),
        );
      }
    }
  }
  return state;
}

type FileState = { -readonly [Key in Exclude<keyof CheckedFile, 'missing'>]: CheckedFile[Key] } & {
  readonly missing: { number: number; at: string }[];
};

interface LineParts {
  readonly digest: string;
  readonly stored: ReadonlyMap<number, string>;
  readonly losses: Pick<AcceptedLosses, 'hasCheckpoint'>;
}

/** Whether the log is to be held to it. */
function addLine(state: FileState, { number, at }: Checkpoint, { digest, stored, losses }: LineParts): boolean {
  if (at >= (state.newest?.at ?? '')) state.newest = { number, at, hash: digest };
  const inStore = stored.get(number);
  if (inStore === digest) return true;
  if (losses.hasCheckpoint({ number, at })) {
    state.accepted += 1;
    return false;
  }
  if (state.missing.length < MAX_MISSING) state.missing.push({ number, at });
  state.broken ??= { number, at, what: inStore === undefined ? GONE : OTHER };
  return true;
}

const GONE =
  'The store lacks this checkpoint and what was recorded since the one before: it was restored from an older backup, failed over, or truncated.';
const OTHER = 'The store has another checkpoint in its place: it was rewritten, or restored from an older backup.';

async function* batches<T>(items: AsyncIterable<T>): AsyncGenerator<T[], void, undefined> {
  let batch: T[] = [];
  for await (const item of items) {
    batch.push(item);
    if (batch.length < PAGE) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

function numberOf(line: SignedBody | undefined): number | undefined {
  try {
    const number: unknown = (JSON.parse(line?.body ?? '') as { number?: unknown }).number;
    return Number.isSafeInteger(number) ? Number(number) : undefined;
  } catch {
    return undefined;
  }
}

/** The hashes of the bodies in the store. */
async function readStored(exchange: Exchange, numbers: readonly number[]): Promise<ReadonlyMap<number, string>> {
  const text = 'select number, body from howdah.audit_checkpoint where number = any($1::bigint[])';
  const [result] = await exchange([{ text, values: [arrayText(numbers)] }]);
  return new Map((result?.rows ?? []).map(([number, body]) => [Number(number), digestBody(body ?? '')]));
}
