import { z } from 'zod';
import type { Store } from '../store/open-store.ts';
import { Head } from './chain.ts';
import { arrayOf } from './store-rows.ts';
import { digestBody, signBody, type SignedBody } from './signed-body.ts';

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

const NEWEST = {
  text: `select number, body, to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
           from (values (1)) as one left join lateral (
             select number, body from howdah.audit_checkpoint order by number desc limit 1) as newest on true`,
  values: [],
};

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
  const number = (last?.number ?? 0) + 1;
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
      values: [arrayOf(heads.map(({ chain }) => chain)), `{${heads.map(({ sequence }) => sequence).join(',')}}`],
    },
  ]);
  return { ...signed, number, at, totals };
}

/** The newest checkpoint, the hash of its body, and the time of the store. */
async function readNewest(
  store: Pick<Store, 'exchange'>,
): Promise<{ last: Checkpoint | undefined; digest: string | null; at: string }> {
  const [newest] = await store.exchange([NEWEST]);
  const [, text = null, at] = newest?.rows[0] ?? [];
  if (text === null) return { last: undefined, digest: null, at: at ?? '' };
  return { last: Checkpoint.parse(JSON.parse(text)), digest: digestBody(text), at: at ?? '' };
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
