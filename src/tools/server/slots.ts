import { z } from 'zod';
import {
  closedLast,
  byServerVersion,
  definePart,
  param,
  secondsSince,
  sql,
  type RowOf,
  type Sql,
} from '../kit/index.ts';
import { RECEIVED_OR_WRITTEN, walPositions } from './wal-position.ts';

const bytes = z.int().nullable().meta({ unit: 'bytes' });
const seconds = z.number().nullable().meta({ unit: 's' });

/** The first columns of a row of pg_replication_slots as `s`, by the version that they came with. */
export const SLOT_COLUMNS = {
  since12: {
    retained: sql`pg_catalog.pg_wal_lsn_diff(${RECEIVED_OR_WRITTEN}, s.restart_lsn)::bigint as retained_size, null::text as wal_status`,
    conflicting: sql`null::boolean as conflicting`,
    fate: sql`null::text as invalidation_reason, null::timestamp with time zone as inactive_since, null::numeric as inactive_s, false as synced`,
  },
  // for a slot that is lost nothing is kept, wherever it stood
  since13: sql`case when s.wal_status is distinct from 'lost'
                  then pg_catalog.pg_wal_lsn_diff(${RECEIVED_OR_WRITTEN}, s.restart_lsn)::bigint end as retained_size, s.wal_status`,
  since16: sql`s.conflicting`,
  since17: sql`s.invalidation_reason, s.inactive_since, ${secondsSince(sql`s.inactive_since`)} as inactive_s, s.synced`,
} as const;

/** The fields of those columns. */
export const slotState = {
  retained_size: bytes.describe('WAL that is kept for the slot; null when it is lost or has reserved none.'),
  wal_status: z.string().nullable().describe('PostgreSQL 13 on.'),
  conflicting: z.boolean().nullable().describe('Whether it was invalidated. Logical slots, PostgreSQL 16 on.'),
  invalidation_reason: z.string().nullable().describe('PostgreSQL 17 on.'),
  inactive_since: z.iso.datetime().nullable().describe('PostgreSQL 17 on.'),
  inactive_s: seconds,
  synced: z.boolean().describe('Copied from the primary, so nobody uses it here.'),
} as const;

interface Versions {
  readonly retained?: Sql;
  readonly conflicting?: Sql;
  readonly fate?: Sql;
}

const { since12, since13, since16, since17 } = SLOT_COLUMNS;

/** https://www.postgresql.org/docs/current/view-pg-replication-slots.html */
const slotsWith = ({
  retained = since12.retained,
  conflicting = since12.conflicting,
  fate = since12.fate,
}: Versions) => sql`
      select s.slot_name as slot, s.slot_type as type, s.database, s.active, ${retained}, ${conflicting}, ${fate},
             greatest(pg_catalog.age(s.xmin), pg_catalog.age(s.catalog_xmin)) as xmin_age
        from pg_catalog.pg_replication_slots s
       cross join (${walPositions}) i
       order by ${closedLast(sql`s.database`)}, retained_size desc nulls last, s.slot_name
       limit ${param('limit')}`;

export const slots = definePart({
  what: 'replication slots',
  row: {
    slot: z.string(),
    type: z.string(),
    database: z.string().nullable().meta({ names: 'database' }),
    active: z.boolean(),
    ...slotState,
    xmin_age: z.int().nullable(),
  },
  sql: byServerVersion({
    12: slotsWith({}),
    13: slotsWith({ retained: since13 }),
    16: slotsWith({ retained: since13, conflicting: since16 }),
    17: slotsWith({ retained: since13, conflicting: since16, fate: since17 }),
  }),
});

/** What is judged of a slot. */
export type Slot = Omit<RowOf<typeof slots>, 'type' | 'database'>;
