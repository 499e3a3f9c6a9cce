import { percentOf, sql, type Sql } from '../kit/index.ts';

/**
 * One SELECT for each view, of the same columns: what is done in the phase that a command is in, in which unit, and the
 * steps of which this phase is a part. What a view counts in another phase is left out: it stays as that one left it.
 * https://www.postgresql.org/docs/current/progress-reporting.html
 */
interface Columns {
  readonly command: Sql;
  readonly relid: Sql;
  readonly indexRelid?: Sql;
  readonly phase?: Sql;
  readonly unit: Sql;
  readonly done: Sql;
  readonly total: Sql;
  readonly stepUnit?: Sql;
  readonly stepsDone?: Sql;
  readonly stepsTotal?: Sql;
  readonly tuples?: Sql;
  readonly scanned?: Sql;
  readonly memory?: Sql;
  readonly memorySize?: Sql;
  readonly lockerPid?: Sql;
  readonly delayed?: Sql;
}

const count = sql`null::bigint`;
const text = sql`null::text`;

function view(name: Sql, columns: Columns): Sql {
  const { command, relid, unit, done, total, indexRelid = sql`null::oid`, phase = sql`p.phase` } = columns;
  const { stepUnit = text, stepsDone = count, stepsTotal = count, tuples = count, lockerPid = count } = columns;
  const { scanned = sql`null::numeric`, memory = sql`null::numeric`, memorySize = count } = columns;
  const { delayed = sql`null::double precision` } = columns;
  return sql`
        select p.pid, ${command} as command, ${relid} as relid, nullif(${indexRelid}, 0) as index_relid, ${phase} as phase, ${unit} as unit,
               ${done} as done, nullif(${total}, 0) as total, ${stepUnit} as step_unit, ${stepsDone} as steps_done, nullif(${stepsTotal}, 0) as steps_total,
               ${tuples} as tuples, ${scanned} as scanned_percent, ${memory} as memory_percent, ${memorySize} as memory_size,
               nullif(${lockerPid}, 0) as locker_pid, ${delayed} as delayed_ms
          from pg_catalog.${name} p`;
}

/** Which value a phase has; null in others. */
function byPhase(values: readonly (readonly [phase: Sql, value: Sql])[]): Sql {
  const whens = values.map(([phase, value]) => sql`when p.phase like ${phase} then ${value}`);
  return sql`case ${whens.reduce((all, when) => sql`${all} ${when}`)} end`;
}

const BLOCKS = sql`'blocks'`;
const TUPLES = sql`'tuples'`;
const INDEXES = sql`'indexes'`;

interface Vacuum extends Pick<Columns, 'memory' | 'memorySize' | 'delayed'> {
  /** From PostgreSQL 17 on indexes are counted. */
  readonly indexes: boolean;
}

const vacuum = ({ indexes, ...columns }: Vacuum) => {
  const ofIndexes = (value: Sql) => (indexes ? [[sql`'%ing%indexes'`, value] as const] : []);
  return view(sql`pg_stat_progress_vacuum`, {
    ...columns,
    command: sql`'VACUUM'`,
    relid: sql`p.relid`,
    unit: byPhase([[sql`'scanning heap'`, BLOCKS], [sql`'vacuuming heap'`, BLOCKS], ...ofIndexes(INDEXES)]),
    done: byPhase([
      [sql`'scanning heap'`, sql`p.heap_blks_scanned`],
      [sql`'vacuuming heap'`, sql`p.heap_blks_vacuumed`],
      ...ofIndexes(sql`p.indexes_processed`),
    ]),
    total: byPhase([
      [sql`'scanning heap'`, sql`p.heap_blks_total`],
      [sql`'vacuuming heap'`, sql`p.heap_blks_total`],
      ...ofIndexes(sql`p.indexes_total`),
    ]),
    stepUnit: sql`'rounds of indexes'`,
    stepsDone: sql`p.index_vacuum_count`,
    scanned: percentOf(sql`p.heap_blks_scanned`, sql`p.heap_blks_total`),
  });
};

const analyze = (delayed?: Sql) =>
  view(sql`pg_stat_progress_analyze`, {
    command: sql`'ANALYZE'`,
    relid: sql`p.relid`,
    unit: byPhase([
      [sql`'acquiring%sample rows'`, BLOCKS],
      [sql`'computing extended statistics'`, sql`'statistics'`],
    ]),
    done: byPhase([
      [sql`'acquiring%sample rows'`, sql`p.sample_blks_scanned`],
      [sql`'computing extended statistics'`, sql`p.ext_stats_computed`],
    ]),
    total: byPhase([
      [sql`'acquiring%sample rows'`, sql`p.sample_blks_total`],
      [sql`'computing extended statistics'`, sql`p.ext_stats_total`],
    ]),
    stepUnit: sql`case when p.child_tables_total > 0 then 'tables' end`,
    stepsDone: sql`case when p.child_tables_total > 0 then p.child_tables_done end`,
    stepsTotal: sql`p.child_tables_total`,
    ...(delayed && { delayed }),
  });

/** Access methods count blocks while they scan the table, and tuples while they write the index, if at all. */
const BUILDING_TUPLES = sql`p.phase like 'building index: loading%' or (p.phase like 'building index%' and p.blocks_total = 0)`;

const createIndex = view(sql`pg_stat_progress_create_index`, {
  command: sql`p.command`,
  relid: sql`p.relid`,
  indexRelid: sql`p.index_relid`,
  unit: sql`case when p.phase like 'waiting for %' then 'transactions' when p.phase like '%: sorting%' then null
                    when ${BUILDING_TUPLES} then 'tuples' when p.blocks_total > 0 then 'blocks' end`,
  done: sql`case when p.phase like 'waiting for %' then p.lockers_done when p.phase like '%: sorting%' then null
                    when ${BUILDING_TUPLES} then p.tuples_done when p.blocks_total > 0 then p.blocks_done end`,
  total: sql`case when p.phase like 'waiting for %' then p.lockers_total when p.phase like '%: sorting%' then null
                     when ${BUILDING_TUPLES} then p.tuples_total else p.blocks_total end`,
  stepUnit: sql`case when p.partitions_total > 0 then 'partitions' end`,
  stepsDone: sql`case when p.partitions_total > 0 then p.partitions_done end`,
  stepsTotal: sql`p.partitions_total`,
  tuples: sql`p.tuples_done`,
  lockerPid: sql`case when p.phase like 'waiting for %' then p.current_locker_pid end`,
});

/** VACUUM FULL, too, which is no kind of VACUUM here. */
const cluster = view(sql`pg_stat_progress_cluster`, {
  command: sql`p.command`,
  relid: sql`p.relid`,
  indexRelid: sql`p.cluster_index_relid`,
  unit: byPhase([
    [sql`'seq scanning heap'`, BLOCKS],
    [sql`'index scanning heap'`, TUPLES],
    [sql`'writing new heap'`, TUPLES],
    [sql`'rebuilding index'`, INDEXES],
  ]),
  done: byPhase([
    [sql`'seq scanning heap'`, sql`p.heap_blks_scanned`],
    [sql`'index scanning heap'`, sql`p.heap_tuples_scanned`],
    [sql`'writing new heap'`, sql`p.heap_tuples_written`],
    [sql`'rebuilding index'`, sql`p.index_rebuild_count`],
  ]),
  total: byPhase([
    [sql`'seq scanning heap'`, sql`p.heap_blks_total`],
    [sql`'writing new heap'`, sql`p.heap_tuples_scanned`],
  ]),
  tuples: sql`p.heap_tuples_written`,
});

const baseBackup = view(sql`pg_stat_progress_basebackup`, {
  command: sql`'BASE BACKUP'`,
  relid: sql`null::oid`,
  unit: sql`'bytes'`,
  done: sql`p.backup_streamed`,
  total: sql`p.backup_total`,
  stepUnit: sql`'tablespaces'`,
  stepsDone: sql`p.tablespaces_streamed`,
  stepsTotal: sql`p.tablespaces_total`,
});

const copy = view(sql`pg_stat_progress_copy`, {
  command: sql`p.command`,
  relid: sql`nullif(p.relid, 0)`,
  phase: sql`p.type`,
  unit: sql`'bytes'`,
  done: sql`p.bytes_processed`,
  total: sql`p.bytes_total`,
  tuples: sql`p.tuples_processed`,
});

/** A dead row took six bytes until PostgreSQL 17 packed them. */
const vacuum12 = vacuum({
  indexes: false,
  memory: percentOf(sql`p.num_dead_tuples`, sql`p.max_dead_tuples`),
  memorySize: sql`6 * p.max_dead_tuples`,
});
const memory17: Omit<Vacuum, 'indexes'> = {
  memory: percentOf(sql`p.dead_tuple_bytes`, sql`p.max_dead_tuple_bytes`),
  memorySize: sql`p.max_dead_tuple_bytes`,
};

/** 0 where nobody measured it: https://www.postgresql.org/docs/current/runtime-config-statistics.html#GUC-TRACK-COST-DELAY-TIMING */
const DELAYED = sql`nullif(p.delay_time, 0)`;

/** Of each version that has some of its own. */
export const PROGRESS = {
  12: together(vacuum12, createIndex, cluster),
  13: together(vacuum12, createIndex, cluster, analyze(), baseBackup),
  14: together(vacuum12, createIndex, cluster, analyze(), baseBackup, copy),
  17: together(vacuum({ indexes: true, ...memory17 }), createIndex, cluster, analyze(), baseBackup, copy),
  18: together(
    vacuum({ indexes: true, ...memory17, delayed: DELAYED }),
    createIndex,
    cluster,
    analyze(DELAYED),
    baseBackup,
    copy,
  ),
};

function together(...views: readonly Sql[]): Sql {
  return views.reduce(
    (all, one) => sql`${all}
        union all${one}`,
  );
}
