import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll } from 'vitest';
import { quoteIdentifier } from '../../src/postgres/sql.ts';
import type { Cluster, Server } from './clusters.ts';
import { runSql } from './instance.ts';

/** `fixture_template` holds the fixture, `fixture_ext` only pg_stat_statements in the schema `ext`. */
type Template = 'fixture_template' | 'fixture_ext';

/** A database of one's own in a cluster; the URLs name it. */
export interface Clone extends Server {
  readonly name: string;
  readonly standby?: Server;
  /** Ends the sessions in it, too. */
  drop(): Promise<void>;
}

const ACTIVITY = readFileSync(join(import.meta.dirname, 'activity.sql'), 'utf8');

/** The tables of the fixture; what PostgreSQL knows of its catalogs came with the template. A partition is in its parent. */
const ANALYZE = `
  do $$
  declare tables text;
  begin
    select string_agg(oid::regclass::text, ', ') into tables from pg_class
     where relkind in ('r', 'p', 'm') and not relispartition
       and relnamespace not in ('pg_catalog'::regnamespace, 'information_schema'::regnamespace);
    execute 'analyze ' || tables;
  end
  $$`;

/** Registers hooks that give a file (or a describe block) a clone of its own; call the result inside of tests only. */
export function useClone(cluster: Cluster, template?: Template): () => Clone {
  let clone: Clone | undefined;
  beforeAll(async () => {
    clone = await cloneDatabase(cluster, undefined, template);
  });
  afterAll(() => clone?.drop());
  return () => {
    if (clone === undefined) throw new Error('There is no clone before beforeAll: ask for it inside of a test.');
    return clone;
  };
}

/**
 * Copies files, as all did before 15: the standby does the same, in place of a record in the WAL for each page. Resolves
 * when the statistics of the fixture can be seen and the standby, if there is one, has it all.
 */
export async function cloneDatabase(
  cluster: Cluster,
  name = `clone_${randomBytes(6).toString('hex')}`,
  template: Template = 'fixture_template',
): Promise<Clone> {
  const database = quoteIdentifier(name);
  const strategy = cluster.major < 15 ? '' : 'strategy file_copy';
  await runSql(cluster, 'postgres', `create database ${database} template ${template} ${strategy}`);
  if (template === 'fixture_template') await makeActivity(cluster, name);
  if (cluster.standby !== undefined) await caughtUp(cluster);
  return {
    name,
    ...inDatabase(cluster, name),
    ...(cluster.standby && { standby: inDatabase(cluster.standby, name) }),
    drop: () => dropDatabase(cluster, name),
  };
}

/** PostgreSQL 12 has no DROP DATABASE … WITH (FORCE), and a session that was ended takes a moment to go. */
async function dropDatabase(cluster: Cluster, name: string): Promise<void> {
  const end = `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}'`;
  const drop = `drop database if exists ${quoteIdentifier(name)}`;
  for (let attempt = 1; ; attempt++) {
    try {
      await runSql(cluster, 'postgres', end);
      await runSql(cluster, 'postgres', drop);
      return;
    } catch (error) {
      if (attempt === 20) throw error;
      await sleep(50);
    }
  }
}

/** Resolves when the standby has replayed what was committed on the primary so far; what is only written may stay there for long. */
export async function caughtUp({ standby, ...primary }: Cluster): Promise<void> {
  if (standby === undefined)
    throw new Error(`PostgreSQL ${primary.major} has no standby here; 12, 15 and 18 have one.`);
  const { rows } = await runSql(primary, 'postgres', 'select pg_current_wal_flush_lsn() as lsn');
  const { lsn } = rows[0] as { lsn: string };
  await until(standby, 'postgres', `pg_last_wal_replay_lsn() >= '${lsn}'`);
}

/** What a session did is counted when it ends, so ANALYZE, which counts afresh, comes in another one. */
async function makeActivity(cluster: Cluster, database: string): Promise<void> {
  await runSql(cluster, database, ACTIVITY);
  await runSql(cluster, database, ANALYZE);
  await until(
    cluster,
    database,
    `(select idx_scan from pg_stat_user_indexes where indexrelname = 'events_used') = 60
     and (select n_dead_tup from pg_stat_user_tables where relname = 'mostly_dead') = 18000`,
  );
}

/** Each look is a session of its own: a session may go on seeing statistics that it has seen. */
async function until(instance: Server, database: string, condition: string): Promise<void> {
  for (const end = performance.now() + 45_000; performance.now() < end; await sleep(10)) {
    const { rows } = await runSql(instance, database, `select ${condition} as met`);
    if ((rows[0] as { met: boolean }).met) return;
  }
  throw new Error(`After 45 seconds it is still not true in ${database} that ${condition}`);
}

function inDatabase(server: Server, name: string): Server {
  const url = (original: string) => {
    const changed = new URL(original);
    changed.pathname = `/${encodeURIComponent(name)}`;
    return changed.href;
  };
  const { superuserUrl, monitorUrl, plainUrl } = server;
  return { ...server, superuserUrl: url(superuserUrl), monitorUrl: url(monitorUrl), plainUrl: url(plainUrl) };
}
