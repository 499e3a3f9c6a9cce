import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { createDataDirectory } from '../../src/postgres/data-directory.ts';
import { stopPostmaster } from '../../src/postgres/postmaster.ts';
import { keepFresh } from './cache.ts';
import { makeHome, runSql, startInstance, type Home } from './instance.ts';

/** Their passwords are set at each start. */
const ROLES = 'create role monitor login in role pg_monitor; create role plain login';

/** A session in a template would keep others from cloning it. */
const SEAL = `
  alter database fixture_template allow_connections false;
  alter database fixture_ext allow_connections false`;

/** Leaves little behind that each run would have to copy. */
const PREPARING = { max_wal_size: '2MB', min_wal_size: '2MB', 'pg_stat_statements.save': 'off' };

const FIXTURE = readFileSync(join(import.meta.dirname, 'fixture.sql'), 'utf8');

/** What a prepared directory is made of, and so what makes it stale. */
const RECIPE = createHash('sha256')
  .update(FIXTURE)
  .update(readFileSync(import.meta.filename))
  .digest('hex')
  .slice(0, 12);

/**
 * A data directory with the roles and the fixtures, of a server that was stopped cleanly: to be copied, never started.
 * Made once for each version and recipe, in `scratch`; later runs find it in the cache.
 */
export async function prepareData(cache: string, scratch: Home): Promise<string> {
  const prefix = `data-${scratch.binaries.major}-`;
  const entry = `${prefix}${scratch.binaries.version}-${RECIPE}`;
  const prepared = join(cache, entry);
  if (!existsSync(prepared)) {
    const data = await makeData(scratch);
    try {
      renameSync(data, prepared);
    } catch (error) {
      if (!existsSync(prepared)) throw error; // else another run was quicker
    }
  }
  keepFresh(cache, prefix, entry);
  return prepared;
}

async function makeData(scratch: Home): Promise<string> {
  await makeHome(scratch);
  const directory = join(scratch.directory, 'data');
  await createDataDirectory({
    binaries: scratch.binaries,
    directory,
    account: scratch.account,
    initdb: ['--no-sync', '--wal-segsize=1'],
  });
  const server = await startInstance(scratch, PREPARING);
  await runSql(server, 'postgres', ROLES);
  await runSql(server, 'postgres', 'create database fixture_template');
  await runSql(server, 'fixture_template', FIXTURE);
  await runSql(server, 'fixture_template', 'analyze');
  await runSql(server, 'postgres', 'create database fixture_ext');
  await runSql(server, 'fixture_ext', 'create schema ext; create extension pg_stat_statements schema ext');
  await runSql(server, 'postgres', SEAL);
  await stopPostmaster(directory, 'SIGINT', 30_000);
  return directory;
}
