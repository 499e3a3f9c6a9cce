/** A start that fails leaves nothing behind it in the log. */
import { expect, it } from 'vitest';
import { openLog, type LogOptions } from '../src/audit/open-log.ts';
import { createLogger } from '../src/telemetry/logger.ts';
import { useOwnStores, type StoreDatabase } from './store-kit.ts';

const stores = useOwnStores();

const start = (database: StoreDatabase, more: Partial<LogOptions> = {}) =>
  openLog({
    config: database.config(),
    env: database.env,
    logger: createLogger('error', { isTerminal: false, write: () => undefined }),
    version: '0',
    stateDir: database.stateDir,
    embeddedStore: 'none',
    moreJobs: () => [],
    ...more,
  });

function noJobs(): never {
  throw new Error('no such job');
}

it('a header of audit.otlp that cannot be read stops the start before a chain is begun', async () => {
  const database = await stores.make();
  const headers = { authorization: { env: 'NOT_SET' } };
  const config = database.config({ audit: { otlp: { logs_url: 'http://127.0.0.1:1/v1/logs', headers } } });
  await expect(start(database, { config })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  expect((await database.asOwner('select from howdah.audit_chain')).rowCount).toBe(0);
});

it('the chain is ended where something fails behind it', async () => {
  const database = await stores.make();
  await expect(start(database, { moreJobs: noJobs })).rejects.toThrow('no such job');
  const { rows } = await database.asOwner('select ended_at is not null as ended from howdah.audit_chain');
  expect(rows).toEqual([{ ended: true }]);
  const { rows: events } = await database.asOwner('select kind from howdah.audit_event order by sequence');
  expect(events.map(({ kind }) => kind)).toEqual(['opened', 'configuration', 'closed']);
});
