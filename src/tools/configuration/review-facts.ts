import { z } from 'zod';
import { byServerVersion, definePart, param, sql, type Sql } from '../kit/index.ts';
import { ownSetting, ownSource } from './own-value.ts';

export const reviewed = definePart({
  what: 'settings',
  row: {
    name: z.string(),
    setting: z.string().nullable(),
    unit: z.string().nullable(),
    source: z.string().nullable(),
    context: z.string(),
    is_set: z.boolean(),
  },
  sql: byServerVersion({
    12: sql`
      select q.name, q.setting, q.unit, q.source, q.context,
             coalesce(q.source not in ('default', 'dynamic default', 'override', 'client'), q.setting is distinct from q.boot_val) as is_set
        from (
          select s.name, ${ownSetting} as setting, s.unit, ${ownSource} as source, s.context, s.boot_val
            from pg_catalog.pg_settings s
           where s.name = any (${param('names')}::text[])
        ) q
       order by q.name`,
  }),
});

const countersWith = (checkpoints: Sql) => sql`
      select c.timed, c.requested, c.counted_since, (select pg_catalog.count(*) from pg_catalog.pg_replication_slots) as slots
        from (${checkpoints}) c`;

export const reviewCounters = definePart({
  what: 'checkpoints and replication slots',
  row: { timed: z.int(), requested: z.int(), counted_since: z.iso.datetime().nullable(), slots: z.int() },
  sql: byServerVersion({
    12: countersWith(
      sql`select b.checkpoints_timed as timed, b.checkpoints_req as requested, b.stats_reset as counted_since from pg_catalog.pg_stat_bgwriter b`,
    ),
    17: countersWith(
      sql`select k.num_timed as timed, k.num_requested as requested, k.stats_reset as counted_since from pg_catalog.pg_stat_checkpointer k`,
    ),
  }),
});
