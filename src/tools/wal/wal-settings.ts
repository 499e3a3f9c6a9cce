import { z } from 'zod';
import { byServerVersion, definePart, sql, type Sql } from '../kit/index.ts';
import { isOfServer } from '../server/setting-source.ts';

const text = z.string().nullable();

function setting(name: Sql): Sql {
  return sql`pg_catalog.current_setting(${name})`;
}

/** Of a setting that a role or a database may have a value of its own for. */
function ownSetting(name: Sql): Sql {
  return sql`(select s.setting from pg_catalog.pg_settings s where s.name = ${name} and ${isOfServer(sql`s.source`)})`;
}

const settingsWith = (keep: Sql) => sql`
      select ${setting(sql`'wal_level'`)} as wal_level, ${setting(sql`'min_wal_size'`)} as min_wal_size, ${setting(sql`'max_wal_size'`)} as max_wal_size,
             ${keep} as wal_keep_size, nullif(pg_catalog.current_setting('max_slot_wal_keep_size', true), '-1') as max_slot_wal_keep_size,
             ${setting(sql`'wal_buffers'`)} as wal_buffers, ${ownSetting(sql`'wal_compression'`)} as wal_compression,
             ${setting(sql`'full_page_writes'`)}::boolean as full_page_writes, ${ownSetting(sql`'synchronous_commit'`)} as synchronous_commit,
             ${setting(sql`'checkpoint_timeout'`)} as checkpoint_timeout, ${setting(sql`'archive_mode'`)} as archive_mode`;

/** https://www.postgresql.org/docs/current/runtime-config-wal.html */
export const walSettings = definePart({
  what: 'the settings of WAL',
  row: {
    wal_level: z.string(),
    min_wal_size: z.string(),
    max_wal_size: z.string(),
    wal_keep_size: z.string().describe('PostgreSQL 12 counts segments: wal_keep_segments.'),
    max_slot_wal_keep_size: text.describe('Null for no limit. PostgreSQL 13 on.'),
    wal_buffers: z.string(),
    wal_compression: text.describe('Null where the login or the database that is asked has a value of its own.'),
    full_page_writes: z.boolean(),
    synchronous_commit: text,
    checkpoint_timeout: z.string(),
    archive_mode: z.string(),
  },
  sql: byServerVersion({
    12: settingsWith(sql`${setting(sql`'wal_keep_segments'`)} || ' segments'`),
    13: settingsWith(setting(sql`'wal_keep_size'`)),
  }),
});
