import { z } from 'zod';
import {
  byServerVersion,
  comment,
  definePart,
  endPrepared,
  quoteIdentifier,
  quoteLiteral,
  sql,
  type Finding,
  type RowOf,
} from '../kit/index.ts';

/**
 * `h`: who may still see rows that were deleted, in whichever database. A transaction holds back as soon as it has an id,
 * also without a snapshot; VACUUM itself does not. https://www.postgresql.org/docs/current/routine-vacuuming.html#VACUUM-FOR-SPACE-RECOVERY
 */
export const holdersFrom = sql`(
          select 'session' as kind, a.pid, a.pid::text as name, a.application_name as application, a.usename::text as user, a.datname::text as database,
                 case when a.datid is null then 'server' else 'database' end as holds, a.state,
                 greatest(pg_catalog.age(a.backend_xmin), pg_catalog.age(a.backend_xid)) as xmin_age,
                 -- each statement of READ COMMITTED has a snapshot of its own
                 case when a.backend_xid is null and a.state = 'active' then a.query_start else a.xact_start end as since,
                 a.xact_start, a.wait_event_type, a.wait_event, case when a.query not in ('<insufficient privilege>', '') then a.query end as statement
            from pg_catalog.pg_stat_activity a
           where a.pid <> pg_catalog.pg_backend_pid() and a.backend_type not in ('walsender', 'parallel worker')
             and not exists (select from pg_catalog.pg_stat_progress_vacuum v where v.pid = a.pid)
          union all
          select 'standby', r.pid, r.application_name, r.application_name, r.usename::text, null, 'server', r.state, pg_catalog.age(r.backend_xmin),
                 null, null, null, null, null
            from pg_catalog.pg_stat_replication r
          union all
          select 'slot', s.active_pid, s.slot_name::text, r.application_name, r.usename::text, s.database::text,
                 x.holds, case when s.active then 'active' else 'inactive' end, pg_catalog.age(x.xmin), null, null, null, null, null
            from pg_catalog.pg_replication_slots s
           cross join lateral (values ('server', s.xmin), ('catalogs', s.catalog_xmin)) x (holds, xmin)
            left join pg_catalog.pg_stat_replication r on r.pid = s.active_pid
           -- what holds back all holds back the catalogs, too
           where x.holds = 'server' or s.xmin is null or pg_catalog.age(s.catalog_xmin) > pg_catalog.age(s.xmin)
          union all
          select 'prepared_transaction', null, p.gid, null, p.owner::text, p.database::text, 'database', 'prepared', pg_catalog.age(p.transaction),
                 p.prepared, p.prepared, null, null, null
            from pg_catalog.pg_prepared_xacts p
        ) h`;

/** The holders of the database that is asked: sessions and prepared transactions of others do not count, slots do. */
export const horizonHolders = definePart({
  what: 'what holds back the removal of dead rows',
  row: {
    kind: z.enum(['session', 'standby', 'slot', 'prepared_transaction']),
    name: z.string().meta({ names: 'text' }).describe('The pid, the application, the slot or the gid.'),
    application: z.string().nullable().meta({ names: 'text' }),
    user: z.string().nullable(),
    database: z.string().nullable().meta({ names: 'database' }).describe('Of a session or a logical slot.'),
    state: z.string().nullable(),
    xmin_age: z.int().describe('Transactions since: rows that were deleted in them stay.'),
    since: z.iso.datetime().nullable().describe('At the latest; null where nobody knows.'),
    catalogs_only: z.boolean().describe('It holds back VACUUM of the system catalogs only.'),
  },
  sql: byServerVersion({
    12: sql`
      select h.kind, h.name, h.application, h.user, h.database, h.state, h.xmin_age, h.since, h.holds = 'catalogs' as catalogs_only
        from ${holdersFrom}
       where h.xmin_age is not null and (h.kind = 'slot' or h.database is null or h.database = pg_catalog.current_database())
       order by h.holds = 'catalogs', h.xmin_age desc, h.kind, h.name
       limit 10`,
  }),
});
export type HorizonHolder = RowOf<typeof horizonHolders>;

const KINDS: Readonly<Record<HorizonHolder['kind'], string>> = {
  session: 'Session',
  standby: 'The standby',
  slot: 'The replication slot',
  prepared_transaction: 'The prepared transaction',
};

/** A holder that came between VACUUM and the rows of some table. */
export interface Suspect {
  readonly holder: HorizonHolder;
  /** False where VACUUM came, rows stayed, and nobody knows which of the two was first. */
  readonly sure: boolean;
}

/** Said once, however many tables suffer: of one that was seen to, else of the oldest, else of one that may have. */
export function judgeHolder(
  holders: readonly HorizonHolder[],
  suspects: readonly Suspect[],
  maxXminAge: number,
): Finding[] {
  const seen = suspects.find(({ sure }) => sure)?.holder;
  const oldest = holders.find(({ catalogs_only, xmin_age }) => !catalogs_only && xmin_age >= maxXminAge);
  const holder = seen ?? oldest ?? suspects[0]?.holder;
  if (!holder) return [];
  const { kind, name, application, user, state, xmin_age, since } = holder;
  const sure = holder === seen || holder === oldest;
  return [
    {
      severity: sure ? 'warning' : 'notice',
      claim: `${nameOf(holder)} ${sure ? 'keeps' : 'may keep'} VACUUM from removing rows that were deleted in the last ${xmin_age} ${xmin_age === 1 ? 'transaction' : 'transactions'}.`,
      object: kind === 'session' ? `pid ${name}` : quoteIdentifier(name),
      evidence: {
        kind,
        application,
        user,
        state,
        xmin_age,
        since,
        tables_vacuumed_in_vain: suspects.filter((suspect) => suspect.holder === holder).length,
      },
      why: 'https://www.postgresql.org/docs/current/routine-vacuuming.html#VACUUM-FOR-SPACE-RECOVERY',
      next_step: STEPS[kind](holder),
    },
  ];
}

export function nameOf({ kind, name }: HorizonHolder): string {
  return `${KINDS[kind]} ${name}`;
}

const ASK_STANDBY =
  '-- on that standby; hot_standby_feedback makes the primary keep what its queries may need\nSELECT pid, xact_start, state, query FROM pg_stat_activity WHERE backend_xmin IS NOT NULL AND pid <> pg_backend_pid() ORDER BY age(backend_xmin) DESC;';

const STEPS: Readonly<Record<HorizonHolder['kind'], (holder: HorizonHolder) => string>> = {
  session: ({ name }) =>
    `SELECT * FROM pg_stat_activity WHERE pid = ${name}; -- when its transaction ends, VACUUM can remove them`,
  standby: () => ASK_STANDBY,
  // the standby of an active slot is asked by its queries, whose xmin the slot has
  slot: ({ name, state }) => (state === 'active' ? ASK_STANDBY : lookAtSlot(quoteLiteral(name))),
  prepared_transaction: ({ name }) => endPrepared(name),
};

function lookAtSlot(slot: string): string {
  return [
    `SELECT * FROM pg_replication_slots WHERE slot_name = ${slot};`,
    comment(`when whoever used it is gone for good: SELECT pg_drop_replication_slot(${slot});`),
  ].join('\n');
}
