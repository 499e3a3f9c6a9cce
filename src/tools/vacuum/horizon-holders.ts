import { z } from 'zod';
import {
  byServerVersion,
  definePart,
  quoteIdentifier,
  quoteLiteral,
  sql,
  type Finding,
  type RowOf,
} from '../kit/index.ts';

/**
 * What may still see rows that were deleted, in the database that is asked: sessions and prepared transactions of others
 * do not count. A transaction holds back as soon as it has an id, also without a snapshot; VACUUM itself does not.
 * https://www.postgresql.org/docs/current/routine-vacuuming.html#VACUUM-FOR-SPACE-RECOVERY
 */
export const horizonHolders = definePart({
  what: 'what holds back the removal of dead rows',
  row: {
    kind: z.enum(['session', 'standby', 'slot', 'prepared_transaction']),
    name: z.string().meta({ names: 'text' }).describe('The pid, the application, the slot or the gid.'),
    user: z.string().nullable(),
    state: z.string().nullable(),
    xmin_age: z.int().describe('Transactions since: rows that were deleted in them stay.'),
    since: z.iso.datetime().nullable(),
    catalogs_only: z.boolean().describe('It holds back VACUUM of the system catalogs only.'),
  },
  sql: byServerVersion({
    12: sql`
      select h.kind, h.name, h.user, h.state, h.xmin_age, h.since, h.catalogs_only
        from (
          select 'session' as kind, a.pid::text as name, a.usename::text as user, a.state,
                 greatest(pg_catalog.age(a.backend_xmin), pg_catalog.age(a.backend_xid)) as xmin_age, a.xact_start as since, false as catalogs_only
            from pg_catalog.pg_stat_activity a
           where a.datname = pg_catalog.current_database() and a.pid <> pg_catalog.pg_backend_pid()
             and a.backend_type not in ('walsender', 'parallel worker')
             and not exists (select from pg_catalog.pg_stat_progress_vacuum v where v.pid = a.pid)
          union all
          select 'standby', r.application_name, r.usename::text, r.state, pg_catalog.age(r.backend_xmin), null, false
            from pg_catalog.pg_stat_replication r
          union all
          select 'slot', s.slot_name::text, null, case when s.active then 'active' else 'inactive' end,
                 coalesce(pg_catalog.age(s.xmin), pg_catalog.age(s.catalog_xmin)), null, s.xmin is null
            from pg_catalog.pg_replication_slots s
           where s.database is null or s.xmin is not null or s.database = pg_catalog.current_database()
          union all
          select 'prepared_transaction', p.gid, p.owner::text, 'prepared', pg_catalog.age(p.transaction), p.prepared, false
            from pg_catalog.pg_prepared_xacts p
           where p.database = pg_catalog.current_database()
        ) h
       where h.xmin_age is not null
       order by h.catalogs_only, h.xmin_age desc, h.kind, h.name
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

/** Said once, of the oldest, however many tables suffer. `heldBack` is how many were vacuumed in vain. */
export function judgeHolder(holders: readonly HorizonHolder[], heldBack: number, maxXminAge: number): Finding[] {
  const oldest = holders.find(({ catalogs_only }) => !catalogs_only);
  if (!oldest || (oldest.xmin_age < maxXminAge && heldBack === 0)) return [];
  const { kind, name, user, state, xmin_age, since } = oldest;
  return [
    {
      severity: 'warning',
      claim: `${KINDS[kind]} ${name} keeps VACUUM from removing rows that were deleted in the last ${xmin_age} transactions.`,
      object: kind === 'session' ? `pid ${name}` : quoteIdentifier(name),
      evidence: { kind, user, state, xmin_age, since, tables_vacuumed_in_vain: heldBack },
      why: 'https://www.postgresql.org/docs/current/routine-vacuuming.html#VACUUM-FOR-SPACE-RECOVERY',
      next_step: STEPS[kind](oldest),
    },
  ];
}

const STEPS: Readonly<Record<HorizonHolder['kind'], (holder: HorizonHolder) => string>> = {
  session: ({ name }) =>
    `SELECT * FROM pg_stat_activity WHERE pid = ${name}; -- when its transaction ends, VACUUM can remove them`,
  standby: () =>
    '-- on that standby; hot_standby_feedback makes the primary keep what its queries may need\nSELECT pid, xact_start, state, query FROM pg_stat_activity WHERE backend_xmin IS NOT NULL ORDER BY age(backend_xmin) DESC;',
  slot: ({ name, state }) =>
    state === 'active'
      ? `SELECT * FROM pg_replication_slots WHERE slot_name = ${quoteLiteral(name)};`
      : `SELECT pg_drop_replication_slot(${quoteLiteral(name)}); -- when whoever used it is gone for good`,
  prepared_transaction: ({ name }) =>
    `ROLLBACK PREPARED ${quoteLiteral(name)}; -- in its database, when its transaction manager has forgotten it`,
};
