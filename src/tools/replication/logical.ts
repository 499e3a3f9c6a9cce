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

const text = z.string().nullable();
const seconds = z.number().nullable().meta({ unit: 's' });
const count = z.int().min(0).nullable();
const limit = param('limit');

const publicationsWith = (viaRoot: Sql, schemas: Sql) => sql`
      select p.pubname as publication, pg_catalog.pg_get_userbyid(p.pubowner) as owner, p.puballtables as all_tables,
             (select pg_catalog.count(*) from pg_catalog.pg_publication_rel r where r.prpubid = p.oid) as tables,
             ${schemas} as schemas, p.pubinsert as inserts, p.pubupdate as updates, p.pubdelete as deletes,
             p.pubtruncate as truncates, ${viaRoot} as via_root
        from pg_catalog.pg_publication p
       order by p.pubname
       limit ${limit}`;
const viaRoot = sql`p.pubviaroot`;

/** https://www.postgresql.org/docs/current/catalog-pg-publication.html */
export const publications = definePart({
  what: 'publications of this database',
  row: {
    publication: z.string(),
    owner: z.string(),
    all_tables: z.boolean(),
    tables: z.int().min(0).describe('Those that it names, beside whole schemas.'),
    schemas: z.int().min(0),
    inserts: z.boolean(),
    updates: z.boolean(),
    deletes: z.boolean(),
    truncates: z.boolean(),
    via_root: z.boolean().describe('Changes of partitions are published as those of the table.'),
  },
  sql: byServerVersion({
    12: publicationsWith(sql`false`, sql`0`),
    13: publicationsWith(viaRoot, sql`0`),
    15: publicationsWith(
      viaRoot,
      sql`(select pg_catalog.count(*) from pg_catalog.pg_publication_namespace n where n.pnpubid = p.oid)`,
    ),
  }),
});

interface Versions {
  /** Rows of pg_stat_subscription as `w`, at most one for `s`: the worker that applies, and none of its helpers. */
  readonly worker: Sql;
  /** The oid of `s`; several where those of other databases cannot be told apart. */
  readonly oids: Sql;
  readonly errors: Sql;
  readonly errorsFrom: Sql;
}

/** subconninfo, which may hold a password, is never read: https://www.postgresql.org/docs/current/catalog-pg-subscription.html */
const subscriptionsWith = ({ worker, oids, errors, errorsFrom }: Versions) => {
  // each database has its own pg_subscription_rel
  const tables = (state: Sql) => sql`case when d.datname = pg_catalog.current_database()
                  then (select pg_catalog.count(*) from pg_catalog.pg_subscription_rel r
                         where r.srsubid in (${oids}) and ${state}) end`;
  return sql`
      select s.subname as subscription, d.datname as database, pg_catalog.pg_get_userbyid(s.subowner) as owner,
             s.subenabled as enabled, s.subslotname as slot, pg_catalog.to_json(s.subpublications) as publications,
             w.pid, w.received_lsn::text as received_lsn, ${secondsSince(sql`w.last_msg_receipt_time`)} as silence_s,
             w.latest_end_lsn::text as reported_lsn,
             ${tables(sql`true`)} as tables, ${tables(sql`r.srsubstate <> 'r'`)} as tables_not_ready, ${errors}
        from pg_catalog.pg_subscription s
        join pg_catalog.pg_database d on d.oid = s.subdbid
        left join ${worker}
        ${errorsFrom}
       order by ${closedLast(sql`d.datname`)}, d.datname = pg_catalog.current_database() desc, d.datname, s.subname
       limit ${limit}`;
};

/** Before PostgreSQL 14 only a superuser may read the oid, and a name is unique in its database only. */
export const byName = {
  worker: sql`(select n.*, a.datid from pg_catalog.pg_stat_subscription n join pg_catalog.pg_stat_activity a on a.pid = n.pid) w
          on w.subname = s.subname and w.datid = s.subdbid and w.relid is null`,
  oids: sql`select n.subid from pg_catalog.pg_stat_subscription n where n.subname = s.subname`,
};
/** From PostgreSQL 14 on. */
export const byOid = {
  worker: sql`pg_catalog.pg_stat_subscription w on w.subid = s.oid and w.relid is null`,
  oids: sql`s.oid`,
};
const withoutErrors = { errors: sql`null::bigint as apply_errors, null::bigint as sync_errors`, errorsFrom: sql`` };
const withErrors = {
  errors: sql`e.apply_error_count as apply_errors, e.sync_error_count as sync_errors`,
  errorsFrom: sql`left join pg_catalog.pg_stat_subscription_stats e on e.subid = s.oid`,
};

export const subscriptions = definePart({
  what: 'subscriptions',
  row: {
    subscription: z.string(),
    database: z.string().meta({ names: 'database' }),
    owner: z.string(),
    enabled: z.boolean(),
    slot: text.describe('On the publisher.'),
    publications: z.array(z.string()),
    pid: z.int().nullable().describe('Of the worker that applies changes; null when none runs.'),
    received_lsn: text,
    silence_s: seconds.describe('Since the last message of the publisher.'),
    reported_lsn: text,
    tables: count.describe('Null in another database.'),
    tables_not_ready: count.describe('Whose first copy is not done.'),
    apply_errors: count.describe('Since statistics were reset; PostgreSQL 15 on.'),
    sync_errors: count,
  },
  sql: byServerVersion({
    12: subscriptionsWith({ ...byName, ...withoutErrors }),
    14: subscriptionsWith({ ...byOid, ...withoutErrors }),
    15: subscriptionsWith({ ...byOid, ...withErrors }),
    // workers that apply large transactions beside it came with 16
    16: subscriptionsWith({ ...byOid, ...withErrors, worker: sql`${byOid.worker} and w.leader_pid is null` }),
  }),
});
export type Subscription = RowOf<typeof subscriptions>;
