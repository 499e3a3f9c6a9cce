import { chmod, chown, copyFile, mkdir, readdir, writeFile } from 'node:fs/promises';
import { constants } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import type { DataDirectoryOptions } from './data-directory.ts';
import type { Account } from './server-account.ts';
import { makeWholeDirectory } from './whole-directory.ts';

/** The server that a standby copies and follows. */
export interface Upstream {
  readonly socketDirectory: string;
  readonly port: number;
  readonly dataDirectory: string;
  /** The physical replication slot that keeps what the standby has yet to receive, and the name it connects by. */
  readonly slot: string;
}

/**
 * What a copy leaves out: all but pg_wal, which comes by streaming, is made anew at the start.
 * https://www.postgresql.org/docs/current/continuous-archiving.html#BACKUP-LOWLEVEL-BASE-BACKUP-DATA
 */
const WITHOUT_CONTENT: ReadonlySet<string> = new Set([
  'pg_wal',
  'pg_replslot',
  'pg_dynshmem',
  'pg_notify',
  'pg_serial',
  'pg_snapshots',
  'pg_stat_tmp',
  'pg_subtrans',
]);
const LEFT_OUT = /^(postmaster\.(pid|opts)|pg_internal\.init.*|pgsql_tmp.*|backup_(label|manifest).*)$/;

/** Copies the data of a running server, which goes on working meanwhile. Its slot is made anew. */
export async function cloneDataDirectory(
  { directory, account }: Pick<DataDirectoryOptions, 'directory' | 'account'>,
  upstream: Upstream,
): Promise<void> {
  const { socketDirectory: host, port, slot } = upstream;
  const client = new pg.Client({ host, port, user: 'postgres', database: 'postgres', password: '', ssl: false });
  client.on('error', () => undefined); // the query that fails says it
  await client.connect();
  try {
    // of a standby that was killed a moment ago
    await client.query(
      `select pg_catalog.pg_terminate_backend(active_pid, 5000) from pg_catalog.pg_replication_slots
        where slot_name = $1 and active_pid is not null`,
      [slot],
    );
    await client.query(
      `select pg_catalog.pg_drop_replication_slot(slot_name) from pg_catalog.pg_replication_slots where slot_name = $1`,
      [slot],
    );
    await client.query('select pg_catalog.pg_create_physical_replication_slot($1, true)', [slot]);
    await makeWholeDirectory(directory, async (partial) => {
      await client.query(`select pg_catalog.pg_backup_start('standby', fast => true)`);
      await copyData(upstream.dataDirectory, partial, account);
      const { rows } = await client.query<{ labelfile: string }>(
        'select labelfile from pg_catalog.pg_backup_stop(wait_for_archive => false)',
      );
      await writeFile(join(partial, 'backup_label'), rows[0]?.labelfile ?? '', { mode: 0o600 });
      await writeFile(join(partial, 'standby.signal'), '', { mode: 0o600 });
      await own(join(partial, 'backup_label'), account);
      await own(join(partial, 'standby.signal'), account);
    });
  } finally {
    await client.end();
  }
}

/** What a standby is started with. */
export function streamingSettings({ socketDirectory, port, slot }: Upstream): Readonly<Record<string, string>> {
  const host = socketDirectory.replaceAll(/[\\']/g, '\\$&');
  return {
    primary_conninfo: `host='${host}' port=${port} user=postgres application_name=${slot}`,
    primary_slot_name: slot,
  };
}

async function copyData(from: string, to: string, account: Account | undefined): Promise<void> {
  await chmod(to, 0o700);
  await own(to, account);
  for (const entry of await readdir(from, { withFileTypes: true })) {
    if (LEFT_OUT.test(entry.name)) continue;
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isFile()) await copyUnlessGone(source, target, account);
    if (!entry.isDirectory()) continue;
    await mkdir(target, { mode: 0o700 });
    if (WITHOUT_CONTENT.has(entry.name)) await own(target, account);
    else await copyData(source, target, account);
  }
}

/** A file that the server removes while it is copied is one that the WAL removes again. */
async function copyUnlessGone(source: string, target: string, account: Account | undefined): Promise<void> {
  try {
    await copyFile(source, target, constants.COPYFILE_FICLONE);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return;
  }
  await chmod(target, 0o600);
  await own(target, account);
}

async function own(path: string, account: Account | undefined): Promise<void> {
  if (account !== undefined) await chown(path, account.uid, account.gid);
}
