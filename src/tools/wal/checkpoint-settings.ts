import { z } from 'zod';
import { byServerVersion, definePart, secondsSince, sql, type RowOf, type Sql } from '../kit/index.ts';
import { walPositions } from '../server/wal-position.ts';

const seconds = z.number().meta({ unit: 's' });
const size = z.int().meta({ unit: 'bytes' });

function secondsOf(name: Sql): Sql {
  return sql`extract(epoch from pg_catalog.current_setting(${name})::interval)`;
}

function bytesOf(name: Sql): Sql {
  return sql`pg_catalog.pg_size_bytes(pg_catalog.current_setting(${name}))`;
}

/** https://www.postgresql.org/docs/current/runtime-config-wal.html#RUNTIME-CONFIG-WAL-CHECKPOINTS */
export const checkpointSettings = definePart({
  what: 'the settings of checkpoints',
  row: {
    checkpoint_timeout_s: seconds,
    max_wal_size: size,
    min_wal_size: size,
    checkpoint_completion_target: z.number(),
    checkpoint_warning_s: seconds,
    log_checkpoints: z.boolean(),
    full_page_writes: z.boolean(),
    shared_buffers: size,
    bgwriter_delay_ms: z.number().meta({ unit: 'ms' }),
    bgwriter_lru_maxpages: z.int(),
    bgwriter_lru_multiplier: z.number(),
  },
  sql: byServerVersion({
    12: sql`
      select ${secondsOf(sql`'checkpoint_timeout'`)} as checkpoint_timeout_s, ${bytesOf(sql`'max_wal_size'`)} as max_wal_size,
             ${bytesOf(sql`'min_wal_size'`)} as min_wal_size,
             pg_catalog.current_setting('checkpoint_completion_target')::double precision as checkpoint_completion_target,
             ${secondsOf(sql`'checkpoint_warning'`)} as checkpoint_warning_s,
             pg_catalog.current_setting('log_checkpoints')::boolean as log_checkpoints,
             pg_catalog.current_setting('full_page_writes')::boolean as full_page_writes, ${bytesOf(sql`'shared_buffers'`)} as shared_buffers,
             1000 * ${secondsOf(sql`'bgwriter_delay'`)} as bgwriter_delay_ms,
             pg_catalog.current_setting('bgwriter_lru_maxpages')::integer as bgwriter_lru_maxpages,
             pg_catalog.current_setting('bgwriter_lru_multiplier')::double precision as bgwriter_lru_multiplier`,
  }),
});
export type CheckpointSettings = RowOf<typeof checkpointSettings>;

/** https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-INFO-CONTROLDATA */
export const lastCheckpoint = definePart({
  what: 'the last checkpoint',
  row: {
    redo_lsn: z.string().describe('Where it began, and a crash recovery would.'),
    redo_size: z.int().nullable().meta({ unit: 'bytes' }).describe('WAL since: what a crash recovery would replay.'),
    written_size: z
      .number()
      .nullable()
      .describe('All WAL that this server and its ancestors have ever written, unless that was reset.'),
    timeline: z.int(),
    at: z.iso.datetime().describe('When it began; on a standby, when it did on the primary.'),
    age_s: z.number().nullable().meta({ unit: 's' }),
  },
  sql: byServerVersion({
    12: sql`
      select c.redo_lsn::text as redo_lsn, pg_catalog.pg_wal_lsn_diff(coalesce(i.replayed, i.written), c.redo_lsn)::bigint as redo_size,
             pg_catalog.pg_wal_lsn_diff(coalesce(i.replayed, i.written), '0/0') as written_size,
             c.timeline_id as timeline, c.checkpoint_time as at, ${secondsSince(sql`c.checkpoint_time`)} as age_s
        from pg_catalog.pg_control_checkpoint() c
       cross join (${walPositions}) i`,
  }),
});
export type LastCheckpoint = RowOf<typeof lastCheckpoint>;
