/** What becomes of the log when the store is put back to an earlier state, or its server fails over to one that has less. */
import { join } from 'node:path';
import pg from 'pg';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { acceptLoss, digestOf } from '../src/audit/accept-loss.ts';
import { createCheckpoints, type Checkpoints } from '../src/audit/checkpoints.ts';
import type { AuditLog, AuditRecord } from '../src/audit/event.ts';
import { verifyStore, type StoreReport } from '../src/audit/store-verify.ts';
import type { Store } from '../src/store/open-store.ts';
import { attack, openAudit, useOwnStores, type StoreDatabase } from './store-kit.ts';

const stores = useOwnStores();

let database: StoreDatabase;
let store: Store;
let audit: AuditLog;
let checkpoints: Checkpoints;
let file: string;
const warnings: string[] = [];

beforeEach(async () => {
  database = await stores.make();
  store = await stores.open(database);
  warnings.length = 0;
  audit = await open();
  file = join(database.stateDir, 'checkpoints.jsonl');
  checkpoints = createCheckpoints({ store, path: file, inform: () => undefined, warn: (text) => warnings.push(text) });
});

const CALL: AuditRecord = { kind: 'ended', operation: 'list_tables', outcome: 'OK', rows: 3 };

const open = () => openAudit(store, database, { warn: (text) => warnings.push(text) });

/** As often as it takes: while the store is away, calls are refused. */
const call = () => vi.waitFor(() => audit.record(CALL), { timeout: 15_000, interval: 100 });

async function asSuperuser(...statements: string[]): Promise<void> {
  const client = new pg.Client(stores.server.url);
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}

/** Nobody may be connected to a database that is copied. */
const closed = (name: string) => [
  `alter database ${name} allow_connections false`,
  `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}'`,
];

async function backUp(): Promise<void> {
  const { name } = database;
  await asSuperuser(
    ...closed(name),
    `create database ${name}_backup template ${name} owner ${name}_owner`,
    `alter database ${name} allow_connections true`,
  );
}

async function restore(): Promise<void> {
  const { name } = database;
  await asSuperuser(
    ...closed(name),
    `drop database ${name} with (force)`,
    `alter database ${name}_backup rename to ${name}`,
  );
}

function verify(external?: string): Promise<StoreReport> {
  return vi.waitFor(() => verifyStore({ store, checkpoints: external }), { timeout: 15_000 });
}

const taking = () => vi.waitFor(() => checkpoints.take(), { timeout: 15_000 });
const places = ({ broken }: StoreReport) => broken.map(({ place, sequence }) => [place, sequence]);

describe('a store that was restored', () => {
  it('while Howdah was running, is named by the chain that was begun for it, and goes on', async () => {
    await call();
    await taking();
    await backUp();
    await call();
    await call();
    await taking();
    expect(await verify(file)).toMatchObject({ ok: true });
    await restore();
    await call();
    expect(warnings).toContainEqual(
      expect.stringMatching(/has lost events behind .*restored, or failed over; a new chain is begun/),
    );
    await taking();
    const report = await verify();
    const [old] = report.broken;
    expect(report.broken).toEqual([
      {
        place: old?.place,
        sequence: 2,
        at: null,
        what: expect.stringMatching(/truncated: the chain .* has its event 3, which is gone/) as string,
      },
    ]);
    expect(report.chains).toBe(2);
    expect(places(await verify(file))).toEqual([
      [old?.place, 2],
      ['file of checkpoints', 2],
    ]);
    expect(warnings).toContainEqual(expect.stringMatching(/has lost checkpoints from 2 to 2/));
    await audit.close();
  });

  it('while Howdah was stopped, is named by the checkpoints outside of it, and by nothing else', async () => {
    await call();
    await taking();
    await backUp();
    await call();
    await taking();
    await audit.close();
    await taking();
    await restore();
    expect(await verify()).toMatchObject({ ok: true });
    const report = await verify(file);
    expect(report.broken).toEqual([
      {
        place: expect.any(String) as string,
        sequence: 2,
        at: null,
        what: expect.stringMatching('truncated') as string,
      },
      {
        place: 'file of checkpoints',
        sequence: 2,
        at: expect.any(String) as string,
        what: expect.stringMatching('lacks this checkpoint') as string,
      },
    ]);
    expect(report.lost).toMatchObject({ chains: [{ sequence: 1, lost: 3 }], checkpoints: { from: 2, to: 3 } });
  });

  it('is found whole again once its loss was accepted, and for what follows only', async () => {
    await call();
    await taking();
    await backUp();
    await call();
    await taking();
    await restore();
    await call();
    await taking();
    const { lost } = await verify(file);
    const seen = digestOf(lost) ?? '';
    const more = { ...lost, chains: lost.chains.map((chain) => ({ ...chain, lost: chain.lost + 1 })) };
    await expect(acceptLoss(store, { lost: more, seen, by: 'ada', reason: 'disk lost' })).rejects.toMatchObject({
      code: 'CONFLICT',
    });
    expect((await verify(file)).ok).toBe(false);
    await acceptLoss(store, { lost, seen, by: 'ada', reason: 'disk lost' });
    const accepted = await verify(file);
    expect(accepted).toMatchObject({ ok: true, external: { accepted: 1 } });
    expect(accepted.notes).toContainEqual(expect.stringMatching(/end of the chain .* is lost, which was accepted/));
    await expect(acceptLoss(store, { lost: accepted.lost, seen, by: 'ada', reason: 'again' })).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });

    // what is removed later is named again, although its checkpoint has a number that was lost before
    await call();
    await audit.close();
    await attack(
      stores.server.url,
      database,
      'delete from howdah.audit_checkpoint where number = 2',
      `delete from howdah.audit_event where kind = 'ended' and chain > '${lost.chains[0]?.chain}'`,
    );
    const again = await verify(file);
    expect(again.ok).toBe(false);
    expect(places(again)).toContainEqual(['file of checkpoints', 2]);

    const forge = `update howdah.audit_accepted set body = replace(body, 'disk lost', 'disk kept')`;
    expect(await attack(stores.server.url, database, forge)).toEqual([1]);
    expect(places(await verify(file))).toContainEqual(['audit_accepted', null]);
  });
});
