import { z } from 'zod';
import { arrayText } from '../postgres/parameter-text.ts';
import { isoTime } from '../store/iso-time.ts';
import type { Store } from '../store/open-store.ts';
import { Head } from './chain.ts';
import { digestBody, readBody, signBody, type SignedBody } from './signed-body.ts';

const count = z.int().min(0);

/** What a checkpoint signs: how every chain that was open, or has grown since the one before, was at that time. */
export const Checkpoint = z.strictObject({
  type: z.literal('checkpoint'),
  number: z.int().min(1),
  at: z.iso.datetime({ precision: 3 }),
  /** SHA-256 of the body of the one before; null of the first. */
  previous: z.string().nullable(),
  chains: z.array(z.strictObject({ ...Head.unwrap().shape, events: count })),
  /** Over all chains that there ever were. */
  totals: z.strictObject({ chains: count, events: count }),
});
export type Checkpoint = z.output<typeof Checkpoint>;

export interface TakenCheckpoint extends SignedBody {
  readonly number: number;
  readonly at: string;
  readonly totals: Checkpoint['totals'];
}

const CLOCK = { text: `select ${isoTime('clock_timestamp()')}`, values: [] };
/** Newest first, from a number on. */
const NEWEST = `select number, body, key_id, signature from howdah.audit_checkpoint
  where $1::bigint is null or number < $1::bigint order by number desc limit 20`;

/** A chain that ended longer before the last checkpoint than any transaction lasts has its last event in one. */
const HEADS = `select c.chain, e.sequence, e.hash, k.sequence
    from howdah.audit_chain c left join howdah.audit_head k on k.chain = c.chain
   cross join lateral (select sequence, hash from howdah.audit_event where chain = c.chain
                        order by sequence desc limit 1) as e
   where c.ended_at is null or c.ended_at >= $1::timestamptz - interval '1 minute'
   order by c.chain`;

const INSERT = `insert into howdah.audit_checkpoint (number, at, body, key_id, signature) values ($1, $2, $3, $4, $5)`;
const REMEMBER = `insert into howdah.audit_head as k (chain, sequence)
  select * from unnest($1::text[], $2::bigint[]) on conflict (chain) do update set sequence = excluded.sequence`;

interface Grown {
  readonly head: Head;
  /** Of the checkpoints before; -1 for a chain that is in none. */
  readonly known: number;
}

/**
 * Signs how the chains are, from what is committed, and keeps that in the store; undefined where nothing is new.
 * Of two at the same time one fails with a DatabaseError of unique_violation.
 */
export async function takeCheckpoint(store: Pick<Store, 'exchange' | 'keys'>): Promise<TakenCheckpoint | undefined> {
  const { last, digest, at } = await readNewest(store);
  const chains = await readHeads(store, last?.at ?? '-infinity');
  const grown = chains.filter(({ head, known }) => head.sequence !== known);
  if (grown.length === 0) return undefined;
  const number = await firstFree(store, (last?.number ?? 0) + 1);
  const totals = addUp(grown, last?.totals ?? { chains: 0, events: 0 });
  const signed = signBody(store.keys, {
    type: 'checkpoint',
    number,
    at,
    previous: digest,
    chains: chains.map(({ head }) => ({ ...head, events: head.sequence + 1 })),
    totals,
  } satisfies Checkpoint);
  const heads = grown.map(({ head }) => head);
  await store.exchange([
    { text: INSERT, values: [String(number), at, signed.body, signed.keyId, signed.signature] },
    {
      text: REMEMBER,
      values: [arrayText(heads.map(({ chain }) => chain)), arrayText(heads.map(({ sequence }) => sequence))],
    },
  ]);
  return { ...signed, number, at, totals };
}

interface Newest {
  readonly last: Checkpoint | undefined;
  /** The hash of its body. */
  readonly digest: string | null;
  /** The time of the store. */
  readonly at: string;
}

/**
 * The newest checkpoint that Howdah signed. One that somebody planted must not be built upon, nor keep others from
 * being taken.
 */
async function readNewest(store: Pick<Store, 'exchange' | 'keys'>): Promise<Newest> {
  const publicKeys = store.keys.publicKeys();
  const [clock] = await store.exchange([CLOCK]);
  const at = clock?.rows[0]?.[0] ?? '';
  for (let below: string | null = null; ;) {
    const [page] = await store.exchange([{ text: NEWEST, values: [below] }]);
    const rows = page?.rows ?? [];
    for (const [number = null, ...signed] of rows) {
      below = number;
      const [body = '', keyId = '', signature = ''] = signed.map((text) => text ?? '');
      const read = readBody(publicKeys, Checkpoint, { body, keyId, signature });
      if ('value' in read) return { last: read.value, digest: digestBody(body), at };
    }
    if (rows.length === 0) return { last: undefined, digest: null, at };
  }
}

/** The number itself, or the first behind it that nobody has planted. */
async function firstFree(store: Pick<Store, 'exchange'>, number: number): Promise<number> {
  const text = `select min(n) from (select $1::bigint as n union all
    select number + 1 from howdah.audit_checkpoint where number >= $1::bigint and number < 9000000000000000) as next
    where not exists (select from howdah.audit_checkpoint c where c.number = next.n)`;
  const [found] = await store.exchange([{ text, values: [String(number)] }]);
  return Number(found?.rows[0]?.[0] ?? number);
}

function addUp(grown: readonly Grown[], before: Checkpoint['totals']): Checkpoint['totals'] {
  return {
    chains: before.chains + grown.filter(({ known }) => known < 0).length,
    events: grown.reduce((sum, { head, known }) => sum + head.sequence - known, before.events),
  };
}

async function readHeads(store: Pick<Store, 'exchange'>, since: string): Promise<Grown[]> {
  const [result] = await store.exchange([{ text: HEADS, values: [since] }]);
  return (result?.rows ?? []).map(([chain, sequence, digest, known]) => ({
    head: { chain: chain ?? '', sequence: Number(sequence), hash: digest ?? '' },
    known: known === null ? -1 : Number(known),
  }));
}
