/** The store: its schema, its roles, the audit log in it. */
import { describe, expect, it } from 'vitest';
import type { AuditLog, AuditRecord } from '../src/audit/event.ts';
import { parseTarget } from '../src/postgres/target.ts';
import { examineStore } from '../src/store/examine.ts';
import { migrateStore } from '../src/store/migrate.ts';
import { readMigrations } from '../src/store/migrations.ts';
import { openStore, type Store } from '../src/store/open-store.ts';
import { resealJob } from '../src/store/reseal.ts';
import { describeEachMajor, newestCluster } from './postgres/each-major.ts';
import { openAudit, runOn, useOwnStores } from './store-kit.ts';

const stores = useOwnStores();

const CALL: AuditRecord = {
  kind: 'ended',
  call_id: '01a22dd9-7d50-7701-bfbe-3c51f61a0bec',
  principal_subject: 'ada',
  principal_roles: ['dba', 'with "quotes", {braces} and \\'],
  operation: 'list_tables',
  input: { name: 'a\u0000b\n"\\', nested: [1.5, null, true] },
  outcome: 'OK',
  rows: 3,
  duration_ms: 0.125,
  truncated: false,
  rule: String.raw`a\b"c`,
};

describe('the audit log in the store', () => {
  it('gives back what was written, in a chain that begins with its writer and ends with its close', async () => {
    const database = await stores.make();
    const audit = await openAudit(await stores.open(database), database);
    await Promise.all([audit.record(CALL), audit.record({ ...CALL, principal_subject: null })]);
    await audit.close();
    const { rows } = await database.asRunRole('select * from howdah.audit_event order by chain, sequence');
    expect(rows.map(({ kind, sequence }) => [kind, Number(sequence)])).toEqual([
      ['opened', 0],
      ['ended', 1],
      ['ended', 2],
      ['closed', 3],
    ]);
    expect(rows[1]).toMatchObject({
      principal_subject: 'ada',
      principal_roles: CALL.principal_roles,
      input: { name: 'a\uFFFDb\n"\\', nested: [1.5, null, true] },
      duration_ms: 0.125,
      rule: CALL.rule,
      previous_hash: rows[0].hash,
    });
  });

  it('takes nothing from the role that it runs with but more events of its own chain', async () => {
    const database = await stores.make();
    const audit: AuditLog = await openAudit(await stores.open(database), database);
    await audit.record(CALL);
    const refused = (text: string) =>
      expect(database.asRunRole(text)).rejects.toThrow(/permission denied|must be owner|row-level security/);
    await refused(`update howdah.audit_event set rows = 4`);
    await refused(`delete from howdah.audit_event`);
    await refused(`truncate howdah.audit_event`);
    await refused(`insert into howdah.audit_event select * from howdah.audit_event limit 1`);
    await refused(`drop table howdah.audit_event`);
    await refused(`update howdah.audit_chain set ended_at = now()`);
    await refused(`delete from howdah.migration`);
    await refused(`insert into howdah.owner_setting values ('audit_retention_months', '1')`);
    expect((await database.asRunRole(`select howdah.drop_audit_partition('2026-01-01') as done`)).rows).toEqual([
      { done: false },
    ]);
    for (const parent of [`'audit_chain'`, `'audit_event_other'`, 'null']) {
      await expect(database.asRunRole(`select howdah.make_partition(${parent}, current_date)`)).rejects.toThrow(
        'has no partitions by month',
      );
    }
    for (const day of [`'2001-01-01'`, `'infinity'`, 'null']) {
      await expect(database.asRunRole(`select howdah.make_partition('audit_event', ${day})`)).rejects.toThrow(
        'no partition is made for',
      );
    }
    await refused(`update howdah.audit_checkpoint set body = ''`);
    await refused(`delete from howdah.audit_checkpoint`);
    await refused(`truncate howdah.audit_checkpoint`);
    await expect(database.asOwner(`update howdah.audit_event set rows = 4`)).rejects.toThrow('append-only');
    await expect(database.asOwner(`truncate howdah.audit_event`)).rejects.toThrow('append-only');
    await audit.close();
  });
});

describe('the partition of a month', () => {
  const made = `select to_regclass('howdah.audit_event_' || to_char(current_date + 200, 'YYYY_MM')) is not null as made`;
  const make = `select howdah.make_partition('audit_event', current_date + 200)`;

  it('is made once, whoever makes it first', async () => {
    const database = await stores.make();
    await stores.open(database);
    await Promise.all(Array.from({ length: 8 }, () => database.asRunRole(make)));
    expect((await database.asRunRole(made)).rows).toEqual([{ made: true }]);
  });

  it('is not made where a wrong clock has left events of that month, and nobody is kept from starting', async () => {
    const database = await stores.make();
    const audit = await openAudit(await stores.open(database), database);
    await audit.record({ ...CALL, at: new Date(Date.now() + 200 * 86_400_000).toISOString() });
    await database.asRunRole(make);
    expect((await database.asRunRole(made)).rows).toEqual([{ made: false }]);
    await audit.close();
  });
});

describe('migrations', () => {
  it('run once, whoever starts first', async () => {
    const database = await stores.make();
    const opened = await Promise.all(Array.from({ length: 4 }, () => stores.open(database)));
    const applied = opened.flatMap((store: Store) => store.migrated?.applied ?? []);
    expect(applied).toEqual((await readMigrations()).map(({ name }) => name));
  });

  it('leave the old schema when a step fails half-way', async () => {
    const database = await stores.make();
    const migrations = await readMigrations();
    const owner = parseTarget(database.ownerUrl, { env: {} });
    const options = { owner, runRole: `${database.name}_run`, retentionMonths: null };
    await migrateStore({ ...options, migrations });
    const broken = {
      version: migrations.length + 1,
      name: '0099-broken',
      text: 'create table howdah.half (a int); select 1/0; create table howdah.rest (a int)',
      digest: 'x',
    };
    await expect(migrateStore({ ...options, migrations: [...migrations, broken] })).rejects.toThrow(
      '0099-broken failed',
    );
    const { rows } = await database.asOwner(
      `select to_regclass('howdah.half') as half, max(version) from howdah.migration`,
    );
    expect(rows).toEqual([{ half: null, max: migrations.length }]);
    await expect(migrateStore({ ...options, migrations })).resolves.toMatchObject({ applied: [] });
  });

  it('bring a store of an earlier schema to the newest, for the role that Howdah runs with and for nobody else', async () => {
    const migrations = await readMigrations();
    for (const from of [1, migrations.length - 1]) {
      const database = await stores.make();
      const owner = parseTarget(database.ownerUrl, { env: {} });
      const options = { owner, runRole: `${database.name}_run`, retentionMonths: null };
      await migrateStore({ ...options, migrations: migrations.slice(0, from) });
      const store = await stores.open(database);
      expect(store.migrated?.applied).toEqual(migrations.slice(from).map(({ name }) => name));
      const audit = await openAudit(store, database);
      await audit.record(CALL);
      await audit.close();
      const { rows } = await database.asRunRole(
        `select proname from pg_proc
          where pronamespace = 'howdah'::regnamespace and has_function_privilege('public', oid, 'execute')`,
      );
      expect(rows).toEqual([]);
    }
  });

  it('refuse a store that is newer than the program, with both versions', async () => {
    const database = await stores.make();
    await (await stores.open(database)).close();
    const known = (await readMigrations()).length;
    await database.asOwner(`insert into howdah.migration (version, name, digest) values ($1, 'later', 'x')`, [
      known + 1,
    ]);
    await expect(stores.open(database)).rejects.toMatchObject({
      code: 'CONFLICT',
      details: { store_version: known + 1, program_version: known },
    });
  });

  it('tell a login that may not migrate what to do', async () => {
    const database = await stores.make();
    const alone = { store: { migrate_url: undefined } };
    await expect(stores.open(database, alone)).rejects.toThrow(/howdah.*cannot be made|has the schema 0/);
    await (await stores.open(database)).close();
    await expect(stores.open(database, alone)).resolves.toMatchObject({ migrated: undefined });
  });
});

describe('examining the store', () => {
  it('says whether the role that runs Howdah could change the log, and whether clocks were wrong', async () => {
    const database = await stores.make();
    const store = await stores.open(database);
    expect((await examineStore(store)).map(({ severity }) => severity)).toEqual(['ok']);
    const one = await stores.open(database, { store: { url: database.ownerUrl } });
    expect(await examineStore(one)).toMatchObject([
      { severity: 'warning', evidence: { role: `${database.name}_owner` } },
    ]);
    const audit = await openAudit(store, database);
    await audit.record({ ...CALL, at: '1999-12-31T00:00:00.000Z' });
    await audit.close();
    expect((await examineStore(store)).map(({ severity }) => severity)).toEqual(['ok', 'notice']);
  });
});

describe('secrets at rest', () => {
  it('are sealed anew under the key in force', async () => {
    const database = await stores.make();
    await (await stores.open(database)).close();
    const next = 'n'.repeat(64);
    const env = { STORE_KEY: next, OLD: database.key };
    const rotating = { secrets: { key: { env: 'STORE_KEY' }, previous: [{ env: 'OLD' }] } };
    const store = await stores.open({ ...database, env }, rotating);
    await resealJob(store).run(new AbortController().signal);
    await expect(stores.open({ ...database, env: { STORE_KEY: next } })).resolves.toBeDefined();
    await expect(stores.open(database)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });
});

describe('audit.retention', () => {
  it('reaches the store with one role for both tasks, and is warned of where only the owner could say it', async () => {
    const database = await stores.make();
    const months = () => database.asOwner(`select value from howdah.owner_setting`).then(({ rows }) => rows);
    const one = { store: { url: database.ownerUrl, migrate_url: undefined } };
    await (await stores.open(database, one)).close();
    await (await stores.open(database, { ...one, audit: { retention: '13 months' } })).close();
    expect(await months()).toEqual([{ value: '13' }]);
    await (await stores.open(database)).close();
    expect(await months()).toEqual([]);
    const warnings: string[] = [];
    const config = database.config({ store: { migrate_url: undefined }, audit: { retention: '2 months' } });
    const { env, stateDir } = database;
    const store = await openStore({ config, env, stateDir, warn: (text) => warnings.push(text) }, 'configured');
    await store.close();
    expect(warnings).toEqual([expect.stringContaining('audit.retention differs')]);
  });
});

describe('what the store is refused for', () => {
  it('fsync = off', async () => {
    const elsewhere = newestCluster().superuserUrl; // the servers of the tests run without it
    const database = await stores.make();
    await (await stores.open(database)).close();
    await expect(stores.open(database, { store: { url: elsewhere } })).rejects.toThrow('fsync = off');
  });

  it('an encoding in which not everything can be kept', async () => {
    const database = await stores.make();
    await (await stores.open(database)).close();
    await runOn(stores.server.url, `create database latin encoding 'LATIN1' locale 'C' template template0`);
    const url = Object.assign(new URL(database.url), { pathname: '/latin' }).href;
    await expect(stores.open(database, { store: { url } })).rejects.toThrow('has the encoding LATIN1');
    await runOn(stores.server.url, 'drop database latin with (force)');
  });

  it('personas that were written under a key that is not known: what stands behind them must not count', async () => {
    const database = await stores.make();
    await (await stores.open(database)).close();
    const values = `'viewer', 1, null, now(), 'x', 'x', gen_random_uuid(), 'thrownaway12', 'mac'`;
    await database.asOwner(`insert into howdah.persona_version values (${values})`);
    await expect(stores.open(database)).rejects.toThrow('a key that is not known: thrownaway12');
  });

  it('another key than the one that its secrets are sealed with', async () => {
    const database = await stores.make();
    await (await stores.open(database)).close();
    const env = { ...database.env, STORE_KEY: 'x'.repeat(64) };
    await expect(stores.open({ ...database, env })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    const previous = { secrets: { key: { env: 'STORE_KEY' }, previous: [{ env: 'OLD' }] } };
    await expect(stores.open({ ...database, env: { ...env, OLD: database.key } }, previous)).resolves.toBeDefined();
  });
});

describeEachMajor('the schema of the store', ({ major, superuserUrl }) => {
  it.skipIf(major < 14)('can be made, and made again', async () => {
    const name = `schema_${major}`;
    await runOn(superuserUrl, `create database ${name}`);
    try {
      const owner = parseTarget(Object.assign(new URL(superuserUrl), { pathname: `/${name}` }).href, { env: {} });
      const options = { owner, runRole: owner.user, retentionMonths: 13 };
      expect((await migrateStore(options)).applied).toHaveLength((await readMigrations()).length);
      expect((await migrateStore(options)).applied).toEqual([]);
    } finally {
      await runOn(superuserUrl, `drop database ${name} with (force)`);
    }
  });
});
