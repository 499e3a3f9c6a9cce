import { z } from 'zod';
import type { AuditEvent } from '../contract/audit-event.ts';
import { readBody, type PublicKeys } from './signed-body.ts';
import type { Exchange } from './store-scan.ts';

/** Events of a chain that follow each other and were dropped together. */
export const DroppedRun = z.strictObject({
  chain: z.string(),
  first: z.int().min(0),
  last: z.int().min(0),
  /** Of the first of them. */
  previous_hash: z.string(),
  /** Of the last of them. */
  hash: z.string(),
  count: z.int().min(1),
});
export type DroppedRun = z.output<typeof DroppedRun>;

/** What is signed before the events of a month are dropped. */
export const DroppedMonth = z.strictObject({
  type: z.literal('dropped'),
  /** Its first day. */
  month: z.iso.date(),
  at: z.iso.datetime({ precision: 3 }),
  events: z.int().min(0),
  chains: z.array(DroppedRun),
});
export type DroppedMonth = z.output<typeof DroppedMonth>;

/** Collects events that come by chain and sequence into runs. */
export function collectRuns(): { add(event: AuditEvent): void; readonly runs: readonly DroppedRun[] } {
  const runs: DroppedRun[] = [];
  return {
    runs,
    add({ chain, sequence, previous_hash, hash }) {
      const run = runs.at(-1);
      if (run?.chain === chain && run.last + 1 === sequence && run.hash === previous_hash) {
        runs[runs.length - 1] = { ...run, last: sequence, hash, count: run.count + 1 };
      } else runs.push({ chain, first: sequence, last: sequence, previous_hash, hash, count: 1 });
    },
  };
}

export interface DroppedMonths {
  readonly months: readonly DroppedMonth[];
  /** The dropped run that a sequence of a chain is in. */
  find(chain: string, sequence: number): DroppedRun | undefined;
  /** What is wrong with what was signed, by month. */
  readonly broken: readonly { readonly month: string; readonly what: string }[];
}

const READ = {
  text: 'select month::text, body, key_id, signature from howdah.audit_dropped order by month',
  values: [],
};

export async function readDropped(exchange: Exchange, keys: PublicKeys): Promise<DroppedMonths> {
  const [result] = await exchange([READ]);
  const months: DroppedMonth[] = [];
  const broken: { month: string; what: string }[] = [];
  for (const [month, body, keyId, signature] of result?.rows ?? []) {
    const read = readBody(keys, DroppedMonth, { body: body ?? '', keyId: keyId ?? '', signature: signature ?? '' });
    if ('broken' in read) broken.push({ month: month ?? '', what: read.broken });
    else if (read.value.month !== month)
      broken.push({ month: month ?? '', what: `It is of the month ${read.value.month}.` });
    else months.push(read.value);
  }
  const runs = new Map<string, DroppedRun[]>();
  for (const run of months.flatMap(({ chains }) => chains)) runs.set(run.chain, [...(runs.get(run.chain) ?? []), run]);
  const find = (chain: string, sequence: number) =>
    runs.get(chain)?.find(({ first, last }) => first <= sequence && sequence <= last);
  return { months, broken, find };
}
