import type { ReachedDatabase, ReachedPooler } from '../../calls/context.ts';
import { consoleRows } from '../../postgres/console-rows.ts';
import type { ConsoleSession } from '../../postgres/console.ts';
import type { Configured } from './budget.ts';
import type { Passage, Setup } from './judge-settings.ts';
import type { SettingRow } from './setting-row.ts';
import { settingOf } from './settings.ts';
import { readDatabases, readRows, readUsers } from './views.ts';

/** What one pooler tells of how it is set. */
export interface PoolerSetup extends Setup {
  readonly settings: readonly SettingRow[];
  readonly configured: Configured;
}

export async function readSetup(
  session: ConsoleSession,
  pooler: ReachedPooler,
  target: ReachedDatabase,
): Promise<PoolerSetup> {
  const settings = consoleRows(await session.show('config')).map((row) => settingOf(pooler.name, row));
  const config = new Map(settings.map(({ name, value }) => [name, value]));
  const configured: Configured = {
    pooler: pooler.name,
    config,
    databases: await readDatabases(session),
    users: await readUsers(session),
    pools: await readRows(session, 'pools'),
    servers: await readRows(session, 'servers'),
  };
  const through = pooler.isOnTheWay ? passageOf(configured, target) : undefined;
  return { pooler: pooler.name, settings, config, configured, through };
}

function passageOf({ databases, config, pools }: Configured, { server, database }: ReachedDatabase): Passage {
  const modes = new Set(
    pools.filter((pool) => pool.text('database') === database).map((pool) => pool.text('pool_mode')),
  );
  const [ofPool] = modes;
  const poolMode = modes.size === 1 ? ofPool : databases.get(database)?.poolMode;
  return {
    server: server.name,
    database,
    poolMode: poolMode ?? config.get('pool_mode') ?? null,
    pooling: server.pooling,
  };
}
