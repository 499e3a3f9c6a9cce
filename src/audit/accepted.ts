import { z } from 'zod';
import { Head } from './chain.ts';
import { readBody, type PublicKeys } from './signed-body.ts';
import type { Exchange } from './store-scan.ts';

const head = Head.unwrap().shape;

/** What an administrator has accepted as lost, as when the store was restored from a backup: signed. */
export const AcceptedLoss = z.strictObject({
  type: z.literal('accepted'),
  at: z.iso.datetime({ precision: 3 }),
  by: z.string(),
  reason: z.string(),
  /** Where each chain ends now, and the last event that it was known to have. */
  chains: z.array(z.strictObject({ ...head, lost: z.int().min(0) })),
  /** Checkpoints outside the store that it lacks: those with these numbers, of that time at the latest. */
  checkpoints: z.strictObject({ from: z.int(), to: z.int(), at: z.string() }).nullable(),
});
export type AcceptedLoss = z.output<typeof AcceptedLoss>;

export interface AcceptedLosses {
  /** Whether the end of a chain behind its head is known to be lost, up to a sequence. */
  hasChain(head: Head, sequence: number): boolean;
  hasCheckpoint(checkpoint: { readonly number: number; readonly at: string }): boolean;
  readonly broken: readonly string[];
}

const READ = { text: 'select id::text, body, key_id, signature from howdah.audit_accepted order by at', values: [] };

export async function readAccepted(exchange: Exchange, keys: PublicKeys): Promise<AcceptedLosses> {
  const [result] = await exchange([READ]);
  const losses: AcceptedLoss[] = [];
  const broken: string[] = [];
  for (const [id, body, keyId, signature] of result?.rows ?? []) {
    const read = readBody(keys, AcceptedLoss, { body: body ?? '', keyId: keyId ?? '', signature: signature ?? '' });
    if ('broken' in read) broken.push(`What was accepted as lost (${id}) does not count. ${read.broken}`);
    else losses.push(read.value);
  }
  const chains = losses.flatMap((loss) => loss.chains);
  return {
    broken,
    hasChain: ({ chain, sequence, hash }, asked) =>
      chains.some(
        (each) => each.chain === chain && each.sequence === sequence && each.hash === hash && asked <= each.lost,
      ),
    hasCheckpoint: ({ number, at }) =>
      losses.some(({ checkpoints: c }) => c !== null && c.from <= number && number <= c.to && at <= c.at),
  };
}
