import { comment, gather, quoteLiteral, type ConnectionFacts, type Finding } from '../kit/index.ts';
import { judgeSlots } from '../server/judge-slots.ts';
import type { AboutSlots, SlotRow } from './slot-row.ts';

/** Less than a segment of WAL more or less is no matter of urgency. */
const WORTH_SAYING = 64 * 2 ** 20;

interface Evidence {
  readonly input: { readonly max_slot_size: number; readonly min_safe_percent: number };
  readonly about: AboutSlots | null;
  readonly facts: Pick<ConnectionFacts, 'inRecovery'>;
}

export function judgeReplicationSlots(rows: readonly SlotRow[], { input, about, facts }: Evidence): Finding[] {
  const slots = rows.map((row) => ({
    ...row,
    slot: row.slot_name,
    xmin_age: maxOf(row.xmin_age, row.catalog_xmin_age),
  }));
  return [
    ...judgeSlots(slots, input.max_slot_size),
    ...gather(
      rows.flatMap((row) => judgeRoom(row, about?.max_slot_wal_keep_size ?? null, input.min_safe_percent)),
      (count) => `${count} replication slots are about to lose WAL that they need.`,
      'SELECT slot_name, active, wal_status, safe_wal_size FROM pg_replication_slots ORDER BY safe_wal_size;',
    ),
    ...judgeFailover(rows, about, facts),
  ];
}

function maxOf(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.max(a, b);
}

/** What is kept beyond max_wal_size is `extended`; one that is `unreserved` or `lost` is judged for that. */
function judgeRoom(row: SlotRow, keepSize: number | null, minPercent: number): Finding[] {
  const { slot_name, active, wal_status, safe_wal_size, retained_size } = row;
  if (keepSize === null || safe_wal_size === null) return [];
  if (wal_status !== 'reserved' && wal_status !== 'extended') return [];
  if ((retained_size ?? 0) < WORTH_SAYING || safe_wal_size >= (keepSize * minPercent) / 100) return [];
  return [
    {
      severity: 'warning',
      claim: `The replication slot ${slot_name} has ${Math.round((100 * safe_wal_size) / keepSize)} % of max_slot_wal_keep_size left before it loses WAL that it needs.`,
      object: slot_name,
      evidence: { active, wal_status, safe_wal_size, retained_size, max_slot_wal_keep_size: keepSize },
      why: 'https://www.postgresql.org/docs/current/runtime-config-replication.html#GUC-MAX-SLOT-WAL-KEEP-SIZE',
      next_step: [
        `SELECT * FROM pg_replication_slots WHERE slot_name = ${quoteLiteral(slot_name)};`,
        '-- let its receiver catch up; a higher max_slot_wal_keep_size gives it time where the disk has room',
      ].join('\n'),
    },
  ];
}

/** Of a table that is copied for the first time. https://www.postgresql.org/docs/current/logical-replication-subscription.html */
const SYNC_SLOT = /^pg_\d+_sync_\d+/;

/**
 * A receiver goes on after a failover only where its slot is on the standby that takes over.
 * https://www.postgresql.org/docs/current/logical-replication-failover.html
 */
function judgeFailover(rows: readonly SlotRow[], about: AboutSlots | null, facts: Evidence['facts']): Finding[] {
  if (facts.inRecovery || (about?.standbys ?? 0) === 0) return [];
  const stay = rows.filter(
    ({ slot_type, slot_name, active, temporary, failover }) =>
      slot_type === 'logical' && active && !temporary && failover === false && !SYNC_SLOT.test(slot_name),
  );
  const [first] = stay;
  if (!first) return [];
  return [
    {
      severity: 'notice',
      claim: `${stay.length === 1 ? 'A logical slot is' : `${stay.length} logical slots are`} not copied to the standby: after a failover ${stay.length === 1 ? 'its receiver cannot' : 'their receivers cannot'} go on.`,
      object: stay.map(({ slot_name }) => slot_name).join(', '),
      evidence: { standbys: about?.standbys ?? null, slots: stay.length },
      why: 'https://www.postgresql.org/docs/current/logical-replication-failover.html',
      next_step: [
        "SELECT slot_name, database, plugin, failover FROM pg_replication_slots WHERE slot_type = 'logical';",
        comment(
          'where they are to survive one: sync_replication_slots = on and hot_standby_feedback = on on the standby, its slot in synchronized_standby_slots here, and on each subscriber, while the subscription is disabled: ALTER SUBSCRIPTION … SET (failover = true);',
        ),
      ].join('\n'),
    },
  ];
}
