import { join } from 'node:path';
import { startEmbedded, type EmbeddedServer } from '../postgres/embedded.ts';
import { parseTarget, type ConnectionTarget } from '../postgres/target.ts';
import { isThere } from '../postgres/whole-directory.ts';
import type { Wire } from '../postgres/wire.ts';
import { openPlainSession } from './plain-session.ts';

/** The store's own PostgreSQL, with a role that owns the tables and one that Howdah runs with. */
export interface EmbeddedStore {
  readonly target: ConnectionTarget;
  readonly owner: ConnectionTarget;
  /** Lets go of the server, and shuts it down unless another process holds it. */
  stop(): Promise<void>;
}

const NAME = 'store';
const DATABASE = 'howdah';
const OWNER = 'howdah_owner';
const RUN_ROLE = 'howdah';
/** One process at a time makes the database: an advisory lock of the database `postgres`. */
const LOCK = '(1213159236, 3)';

const SETTINGS = { max_connections: '60', track_io_timing: 'off', log_statement: 'none' };

/** Whether one was made in this state directory. */
export function hasEmbeddedStore(stateDir: string): Promise<boolean> {
  return isThere(join(stateDir, NAME, 'data'));
}

/** Starts it, or adopts the one that another process runs. Fails as `startEmbedded` does. */
export async function startEmbeddedStore(stateDir: string): Promise<EmbeddedStore> {
  const server = await startEmbedded({ stateDir, name: NAME, settings: SETTINGS });
  try {
    await makeDatabase(server);
    return { target: targetOf(server, RUN_ROLE), owner: targetOf(server, OWNER), stop: () => server.stop() };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

/** Also what a process that was killed in the middle has left undone. */
async function makeDatabase({ url }: EmbeddedServer): Promise<void> {
  const wire = await openPlainSession(parseTarget(url, { env: {} }));
  try {
    await wire.command(`set lock_timeout = '60s'`);
    await wire.command(`select pg_catalog.pg_advisory_lock${LOCK}`);
    const roles = 'select 1 from pg_catalog.pg_roles where rolname = $1';
    for (const role of [OWNER, RUN_ROLE]) {
      if (!(await isFound(wire, roles, role))) await wire.command(`create role ${role} login`);
    }
    const databases = 'select 1 from pg_catalog.pg_database where datname = $1';
    if (!(await isFound(wire, databases, DATABASE))) await wire.command(`create database ${DATABASE} owner ${OWNER}`);
    await wire.command(`revoke all on database ${DATABASE} from public`);
    await wire.command(`grant connect on database ${DATABASE} to ${RUN_ROLE}`);
  } finally {
    await wire.end();
  }
}

async function isFound(wire: Wire, text: string, name: string): Promise<boolean> {
  const [found] = await wire.exchange([{ text, values: [name] }]);
  return found?.rows.length === 1;
}

function targetOf({ socketDirectory, port }: EmbeddedServer, user: string): ConnectionTarget {
  const host = encodeURIComponent(socketDirectory);
  return parseTarget(`postgresql:///${DATABASE}?user=${user}&port=${port}&host=${host}`, { env: {} });
}
