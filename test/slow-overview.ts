import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runSql, type Instance } from './postgres/instance.ts';

const TABLESPACES = 3000;
const FILES = 3000;

/** The directory of a database below a tablespace; PostgreSQL source, `common/relpath.h`. */
const DIRECTORY = `
  select format('PG_%s_%s/%s', current_setting('server_version_num')::int / 10000, c.catalog_version_no, d.oid) as path
    from pg_control_system() c, pg_database d where d.datname = 'postgres'`;

/**
 * Makes `server_overview` of a server take very long in one statement that can be cancelled: pg_database_size() looks
 * at every file of a database in every tablespace, and all these tablespaces are one directory. Returns what undoes
 * it, to be done before the server starts again.
 */
export async function slowDownOverview(server: Instance): Promise<() => void> {
  const { rows } = await runSql(server, 'postgres', DIRECTORY);
  const { path } = rows[0] as { path: string };
  const space = join(server.socketDir, 'slow');
  mkdirSync(join(space, path), { recursive: true, mode: 0o755 });
  for (let i = 0; i < FILES; i++) writeFileSync(join(space, path, String(i)), '');
  const links = Array.from({ length: TABLESPACES }, (_, i) => join(server.dataDir, 'pg_tblspc', String(100_000 + i)));
  for (const link of links) symlinkSync(space, link);
  return () => {
    for (const link of links) rmSync(link, { force: true });
    rmSync(space, { recursive: true, force: true });
  };
}
