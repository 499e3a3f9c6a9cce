import { z } from 'zod';
import { byServerVersion, definePart, sql, type RowOf } from '../kit/index.ts';

/** The next ids that will be given out. What there is from PostgreSQL 13 on under a new name is there under the old one, too. */
const NEXT = sql`pg_catalog.txid_snapshot_xmax(pg_catalog.txid_current_snapshot()) as next_xid,
             -- of the id 1 the age is what was given out since, as a signed number
             (pg_catalog.mxid_age('1'::xid)::bigint + 4294967296) % 4294967296 + 1 as next_mxid,
             extract(epoch from pg_catalog.clock_timestamp()) as at_s`;

const ids = { next_xid: z.int(), next_mxid: z.int(), at_s: z.number() };

export const idsNow = definePart({
  what: 'how fast ids are used up',
  row: ids,
  sql: byServerVersion({ 12: sql`select ${NEXT}` }),
});
type Ids = RowOf<typeof idsNow>;

/** Now, and when the last checkpoint began. */
export const consumption = definePart({
  what: 'how fast ids are used up',
  row: { ...ids, checkpoint_xid: z.int(), checkpoint_mxid: z.int(), checkpoint_s: z.number() },
  sql: byServerVersion({
    12: sql`
      select ${NEXT},
             -- epoch:xid
             pg_catalog.split_part(c.next_xid, ':', 1)::bigint * 4294967296 + pg_catalog.split_part(c.next_xid, ':', 2)::bigint as checkpoint_xid,
             c.next_multixact_id::text::bigint as checkpoint_mxid, extract(epoch from c.checkpoint_time) as checkpoint_s
        from pg_catalog.pg_control_checkpoint() c`,
  }),
});

export interface Rate {
  readonly xids_per_s: number;
  readonly mxids_per_s: number;
  readonly measured_s: number;
}

/** A shorter time says little of the hours around it. */
const LEAST_S = 60;
const IDS = 2 ** 32;

/** Between two looks where there is a second one, else since the last checkpoint. */
export async function measureRate(
  used: RowOf<typeof consumption> | undefined,
  watchS: number,
  lookAgain: () => Promise<Ids | undefined>,
): Promise<Rate | undefined> {
  if (!used) return undefined;
  if (watchS > 0) {
    const later = await lookAgain();
    return later && rateBetween(used, later);
  }
  const { checkpoint_xid: next_xid, checkpoint_mxid: next_mxid, checkpoint_s: at_s } = used;
  return used.at_s - at_s < LEAST_S ? undefined : rateBetween({ next_xid, next_mxid, at_s }, used);
}

/** Multixact ids begin again after 2^32. */
function rateBetween(first: Ids, then: Ids): Rate | undefined {
  const measured_s = then.at_s - first.at_s;
  if (measured_s <= 0) return undefined;
  const perSecond = (count: number) => Math.round((Math.max(count, 0) / measured_s) * 1000) / 1000;
  return {
    xids_per_s: perSecond(then.next_xid - first.next_xid),
    mxids_per_s: perSecond((then.next_mxid - first.next_mxid + IDS) % IDS),
    measured_s: Math.round(measured_s * 1000) / 1000,
  };
}

interface Left {
  readonly xids_left: number;
  readonly mxids_left: number;
}

/** Until the first of the two runs out; null where none is used up. */
export function daysLeft({ xids_left, mxids_left }: Left, rate: Rate | undefined): number | null {
  if (!rate) return null;
  const days = [
    { left: xids_left, perSecond: rate.xids_per_s },
    { left: mxids_left, perSecond: rate.mxids_per_s },
  ].flatMap(({ left, perSecond }) => (perSecond > 0 ? [left / perSecond / 86_400] : []));
  return days.length === 0 ? null : Math.round(Math.min(...days) * 10) / 10;
}
