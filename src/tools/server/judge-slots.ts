import { gather, quoteLiteral, type Finding } from '../kit/index.ts';
import type { Slot } from './slots.ts';

/** One segment of WAL: less is kept for nobody in any pause of a receiver. */
const WORTH_SAYING = 16 * 2 ** 20;
/** A receiver that restarts is back by then. */
const GONE_S = 300;

/** What became of a slot that can be used no more. https://www.postgresql.org/docs/current/view-pg-replication-slots.html */
const INVALIDATED: Readonly<Record<string, { readonly severity: Finding['severity']; readonly how: string }>> = {
  wal_removed: { severity: 'critical', how: 'has lost WAL that it needs' },
  rows_removed: { severity: 'critical', how: 'is invalid: replay removed rows that it needs' },
  wal_level_insufficient: { severity: 'critical', how: 'is invalid: wal_level is too low for it on the primary' },
  idle_timeout: { severity: 'notice', how: 'is invalid: nobody used it for idle_replication_slot_timeout' },
};

export function judgeSlots(rows: readonly Slot[], maxRetained: number): Finding[] {
  return gather(
    rows.flatMap((row) => judgeSlot(row, maxRetained)),
    (count) => `${count} replication slots are lost, keep WAL or are not in use.`,
    'SELECT * FROM pg_replication_slots;',
  );
}

function judgeSlot(row: Slot, maxRetained: number): Finding[] {
  const { slot, active, retained_size, wal_status, conflicting, invalidation_reason, inactive_since, xmin_age } = row;
  const judged = judgeLoss(row) ?? judgeRetained(row, maxRetained);
  if (!judged) return [];
  return [
    {
      severity: judged.severity,
      claim: `The replication slot ${slot} ${judged.how}.`,
      object: slot,
      evidence: { active, retained_size, wal_status, conflicting, invalidation_reason, inactive_since, xmin_age },
      why: 'https://www.postgresql.org/docs/current/warm-standby.html#STREAMING-REPLICATION-SLOTS',
      ...(!active && { next_step: lookAt(row) }),
    },
  ];
}

interface Judged {
  readonly severity: Finding['severity'];
  readonly how: string;
}

function judgeLoss({ wal_status, conflicting, invalidation_reason }: Slot): Judged | undefined {
  if (invalidation_reason !== null) {
    return INVALIDATED[invalidation_reason] ?? { severity: 'critical', how: `is invalid: ${invalidation_reason}` };
  }
  if (conflicting === true) return { severity: 'critical', how: 'is invalid: it lost WAL or rows that it needs' };
  if (wal_status === 'lost') return INVALIDATED['wal_removed'];
  if (wal_status === 'unreserved') return { severity: 'critical', how: 'is about to lose WAL that it needs' };
  return undefined;
}

/** Slots of the members of a cluster stand unused on its standbys, and are moved on there: those keep little. */
function judgeRetained({ active, retained_size, inactive_s, synced }: Slot, maxRetained: number): Judged | undefined {
  const retained = retained_size ?? 0;
  if (retained >= maxRetained) {
    return { severity: 'warning', how: `keeps much WAL${active ? '' : ', and nobody uses it'}` };
  }
  if (active || synced) return undefined;
  if (retained >= WORTH_SAYING) return { severity: 'notice', how: 'is not in use at the moment, and keeps WAL' };
  if ((inactive_s ?? 0) < GONE_S) return undefined;
  return { severity: 'notice', how: `has not been used for ${Math.round((inactive_s ?? 0) / 60)} min` };
}

/** Whoever comes back to a slot that was dropped has to be built anew, so that dropping is left to the reader. */
function lookAt({ slot, synced }: Slot): string {
  const look = `SELECT * FROM pg_replication_slots WHERE slot_name = ${quoteLiteral(slot)};`;
  return synced
    ? look
    : `${look}\n-- only when whoever used it is gone for good, since it could not go on: SELECT pg_drop_replication_slot(${quoteLiteral(slot)});`;
}
