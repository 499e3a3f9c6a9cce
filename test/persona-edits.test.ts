/** Personas and grants that are edited in the store, and in force on every replica. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { grantJobs } from '../src/admin/personas/grants.ts';
import type { PlatformError } from '../src/core/errors.ts';
import { uuidv7 } from '../src/core/ids.ts';
import { grantStep } from '../src/policy/stored-grants.ts';
import { until } from './mcp-session.ts';
import { caller, replicaConfig, useReplicas, type Replica } from './replica-kit.ts';
import { useOwnStores, type StoreDatabase } from './store-kit.ts';

const stores = useOwnStores();
const replicas = useReplicas();

const ada = caller('ada', 'support');
const wide = {
  roles: ['support'],
  tools: { allow: ['list_servers'] },
  limits: { calls_per_minute: 100_000, concurrent: 500 },
};
const narrow = { ...wide, tools: { allow: ['class:admin'] } };
const set = (replica: Replica, spec: object, more: object = {}) =>
  replica.administer('persona_set', { name: 'support', spec, reason: 'a test', ...more });
const outcomeOf = async (replica: Replica, name = 'list_servers') => {
  const outcome = await replica.call(ada, name);
  return outcome.ok ? 'OK' : outcome.error.code;
};
const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => {
      throw new Error('it was expected to fail');
    },
    (error: unknown) => error as PlatformError,
  );

const comes = async (is: () => Promise<boolean>) => {
  for (const end = performance.now() + 5000; performance.now() < end; await sleep(10)) if (await is()) return;
  throw new Error('it did not come');
};

describe('a persona of the store', () => {
  it('is versioned, with who and why, and can be reverted and removed', async () => {
    const database = await stores.make();
    const one = await replicas.start(database);
    expect(await outcomeOf(one)).toBe('FORBIDDEN');
    expect(await set(one, wide)).toMatchObject({ name: 'support', version: 1 });
    expect(await outcomeOf(one)).toBe('OK');
    await set(one, narrow, { reason: 'too wide' });
    expect(await outcomeOf(one)).toBe('FORBIDDEN');
    await one.administer('persona_revert', { name: 'support', to: 1, reason: 'they need it' });
    expect(await outcomeOf(one)).toBe('OK');
    expect(await one.administer('persona_show', { name: 'support' })).toMatchObject({
      from: 'store',
      version: 3,
      author: 'local:tester',
      reason: 'they need it',
      spec: wide,
    });
    await one.administer('persona_remove', { name: 'support', reason: 'over' });
    expect(await outcomeOf(one)).toBe('FORBIDDEN');
    const { rows } = await one.administer('persona_history', { name: 'support' });
    expect(rows).toMatchObject([
      { version: 4, state: 'removed', reason: 'over' },
      { version: 3, state: 'set' },
      { version: 2, state: 'set', reason: 'too wide', author: 'local:tester' },
      { version: 1, state: 'set' },
    ]);
    const events = await database.asRunRole(
      `select operation, details from howdah.audit_event where kind = 'persona' and details ->> 'table' = 'persona_version' order by at, sequence`,
    );
    expect(events.rows.map(({ operation, details }) => [operation, details.row])).toEqual([
      ['persona_set', 'support/1'],
      ['persona_set', 'support/2'],
      ['persona_set', 'support/3'],
      ['persona_remove', 'support/4'],
    ]);
    const bound = await database.asRunRole(
      `select count(*)::int as n from howdah.persona_version v join howdah.audit_event e on e.id = v.event_id
        where e.details ->> 'row' = v.name || '/' || v.version and e.principal_subject = 'tester'`,
    );
    expect(bound.rows).toEqual([{ n: 4 }]);
  });

  it('that was removed is none for who expects none, and is of its newest version for who looked', async () => {
    const one = await replicas.start(await stores.make());
    await set(one, wide, { if_version: 0 });
    expect(await failure(set(one, wide, { if_version: 0 }))).toMatchObject({ code: 'CONFLICT' });
    const remove = () => one.administer('persona_remove', { name: 'support', reason: 'over' });
    await remove();
    expect(await failure(set(one, wide, { if_version: 1 }))).toMatchObject({ code: 'CONFLICT' });
    expect(await set(one, wide, { if_version: 0 })).toMatchObject({ version: 3 });
    await remove();
    expect(await set(one, wide, { if_version: 4 })).toMatchObject({ version: 5 });
  });

  it('is compared with what another configuration makes of it', async () => {
    const database = await stores.make();
    const one = await replicas.start(database);
    await set(one, { ...wide, data: { deny: ['hr.salaries'] } });
    const path = join(database.stateDir, 'next.json');
    const diff = (next: object) => {
      writeFileSync(path, JSON.stringify(next), { mode: 0o600 });
      return one.administer('persona_diff', { file: path });
    };
    const { api_keys: keys } = replicaConfig(database).auth;
    const auth = { api_keys: keys.map(({ id, hash, roles }) => ({ id, hash, roles })) };
    expect(await diff({ auth })).toMatchObject({ same: true, changes: [] });
    const { changes } = await diff({
      auth,
      personas: { support: { ...narrow, limits: { ...wide.limits, concurrent: 5 } } },
    });
    expect(changes).toEqual(
      expect.arrayContaining([
        { of: 'personas.support', what: 'tools', lost: ['list_servers'], gained: expect.any(Array) as unknown },
        { of: 'personas.support', what: 'data', lost: ['data.deny "hr.salaries"'], gained: [] },
        { of: 'personas.support', what: 'limits.concurrent', lost: ['500'], gained: ['5'] },
      ]),
    );
    expect(changes).not.toContainEqual(expect.objectContaining({ of: 'personas.support', what: 'persona' }));
  });

  it('survives a restart, and the file of one name stands before it, with a warning', async () => {
    const database = await stores.make();
    const one = await replicas.start(database);
    await set(one, wide);
    const two = await replicas.start(database);
    expect(await outcomeOf(two)).toBe('OK');
    const { rows } = await two.administer('persona_list', {});
    expect(rows).toContainEqual(expect.objectContaining({ name: 'support', from: 'store' }));
    const three = await replicas.start(database, { personas: { support: narrow } });
    expect(await outcomeOf(three)).toBe('FORBIDDEN');
    expect(three.log()).toContain('the persona support of the store does not count: the file has one of that name');
    expect(await failure(set(three, wide))).toMatchObject({
      code: 'CONFLICT',
      message: 'The persona "support" stands in the configuration file, which is what counts.',
    });
  });

  it('is changed by one of those who change it at once', async () => {
    const database = await stores.make();
    const [one, two] = [await replicas.start(database), await replicas.start(database)];
    await set(one, wide);
    const tries = await Promise.allSettled(
      [one, two, one, two, one].map((replica) => set(replica, narrow, { if_version: 1 })),
    );
    expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const reasons = tries.flatMap((each) => (each.status === 'rejected' ? [each.reason as PlatformError] : []));
    const conflict = { code: 'CONFLICT', details: { version: 2, author: 'local:tester' } };
    expect(reasons).toMatchObject([conflict, conflict, conflict, conflict]);
    const all = await Promise.all([one, two, one, two].map((replica) => set(replica, wide)));
    expect(all.map(({ version }) => Number(version)).toSorted((a, b) => a - b)).toEqual([3, 4, 5, 6]);
  });

  it('is refused with all problems at once, and the old one stays in force', async () => {
    const one = await replicas.start(await stores.make());
    await set(one, wide);
    const version = one.platform.deps.policy.version;
    const broken = {
      tools: { allow: ['list_server', 'clas:x'] },
      servers: { allow: ['shpo'] },
      limits: { bytes: '2GiB' },
    };
    const error = await failure(set(one, broken));
    expect(error.code).toBe('CONFIG_INVALID');
    expect(error.message).toContain('personas.support.tools.allow[0] names no tool; did you mean list_servers?');
    expect((error.details as { problems: unknown[] }).problems).toHaveLength(4);
    expect(await failure(set(one, { tols: {} }))).toMatchObject({ code: 'CONFIG_INVALID' });
    const tie = { name: 'rival', spec: { roles: ['support'] }, reason: 'x' };
    expect((await failure(one.administer('persona_set', tie))).message).toContain('shares the role "support"');
    const locked = { name: 'admin', spec: { tools: { allow: ['class:schema'] } }, reason: 'x' };
    expect((await failure(one.administer('persona_set', locked))).message).toContain('nobody could put it right');
    expect(one.platform.deps.policy.version).toBe(version);
    expect(await outcomeOf(one)).toBe('OK');
  });

  it('that Howdah did not write is not put in force, and said loudly; the others stay', async () => {
    const database = await stores.make();
    const one = await replicas.start(database);
    await set(one, narrow);
    const plant = (name: string, version: number) =>
      database.asRunRole(
        `insert into howdah.persona_version select $1, $2, $3, at, author, reason, event_id, key_id, mac
           from howdah.persona_version where name = 'support' and version = 1`,
        [name, version, JSON.stringify(wide)],
      );
    await plant('support', 2);
    await plant('planted', 1);
    await until(() => (one.log().includes('support/2') && one.log().includes('planted/1') ? true : undefined), 5000);
    expect(await outcomeOf(one)).toBe('FORBIDDEN');
    expect(one.platform.deps.policy.personas().map(({ name }) => name)).not.toContain('planted');
    const { rows } = await database.asRunRole(
      `select details ->> 'row' as row from howdah.audit_event where operation = 'refuse_row' order by 1`,
    );
    expect(rows).toEqual([{ row: 'planted/1' }, { row: 'support/2' }]);
    const refused = (text: string) => expect(database.asRunRole(text)).rejects.toThrow(/permission denied/);
    await refused(`update howdah.persona_version set spec = null`);
    await refused(`delete from howdah.persona_version`);
    await expect(database.asOwner(`delete from howdah.persona_version`)).rejects.toThrow('append-only');
    // a number that is taken does not keep the true one from being changed, and neither does the last that there is
    expect(await set(one, wide)).toMatchObject({ version: 3 });
    expect(await outcomeOf(one)).toBe('OK');
    await plant('support', 2_147_483_647);
    expect(await set(one, narrow, { if_version: 3 })).toMatchObject({ version: 4 });
    expect(await outcomeOf(one)).toBe('FORBIDDEN');
    await one.administer('persona_revert', { name: 'support', to: 3, reason: 'a test' });
    expect(await outcomeOf(one)).toBe('OK');
    expect(await one.administer('persona_remove', { name: 'support', reason: 'a test' })).toMatchObject({ version: 6 });
    await plant('later', 2_147_483_647);
    const later = { name: 'later', spec: { roles: ['later'] }, reason: 'a test', if_version: 0 };
    expect(await one.administer('persona_set', later)).toMatchObject({ version: 1 });
  });

  it('and the file do not undo each other', async () => {
    const database = await stores.make();
    const one = await replicas.start(database);
    const reload = (more: Record<string, unknown>) =>
      one.platform.reload(() => Promise.resolve({ config: replicaConfig(database, more), warnings: [], source: 'x' }));
    await set(one, wide);
    await reload({ personas: { other: { roles: ['other'], tools: { allow: ['list_servers'] } } } });
    expect(await outcomeOf(one)).toBe('OK');
    await set(one, narrow);
    expect((await one.call(caller('bob', 'other'), 'list_servers')).ok).toBe(true);
    expect(await outcomeOf(one)).toBe('FORBIDDEN');
    // a file that clashes with what the store has is refused as a whole
    expect(await reload({ personas: { clash: { roles: ['support'] } } })).toBeUndefined();
    expect((await one.call(caller('bob', 'other'), 'list_servers')).ok).toBe(true);
  });

  it('that stops the start can still be put right', async () => {
    const database = await stores.make();
    const one = await replicas.start(database);
    await set(one, wide);
    const clash = { personas: { clash: { roles: ['support'] } } };
    const error = await failure(replicas.start(database, clash));
    expect(error.code).toBe('CONFIG_INVALID');
    expect(error.hint).toContain('howdah persona set');
  });
});

describe('replicas', () => {
  it('follow within a second, and no call is half under each version', async () => {
    const database = await stores.make();
    const [one, two] = [await replicas.start(database), await replicas.start(database)];
    const versions = new Map<string, string>();
    for (const [spec, decision] of [
      [narrow, 'deny'],
      [wide, 'allow'],
    ] as const) {
      await set(one, spec);
      versions.set(one.platform.deps.policy.version, decision);
      await until(
        () => (two.platform.deps.policy.version === one.platform.deps.policy.version ? true : undefined),
        5000,
      );
    }
    const flips = { done: false };
    const hammer = async () => {
      let calls = 0;
      while (!flips.done) {
        await two.call(ada, 'list_servers');
        calls += 1;
      }
      return calls;
    };
    const hammering = Array.from({ length: 8 }, hammer);
    const lags: number[] = [];
    for (let i = 0; i < 12; i++) {
      const before = two.platform.deps.policy.version;
      const spec = i % 2 === 0 ? narrow : wide;
      let committed = 0;
      const seen = until(() => (two.platform.deps.policy.version === before ? undefined : performance.now()), 10_000);
      await set(one, spec).then(() => (committed = performance.now()));
      lags.push(Math.max(0, (await seen) - committed));
    }
    flips.done = true;
    const calls = (await Promise.all(hammering)).reduce((sum, count) => sum + count, 0);
    const { rows } = await database.asRunRole(
      `select policy_version, decision, outcome, details ->> 'revoked_by' as revoked_by, count(*)::int as n from howdah.audit_event
        where kind = 'ended' and principal_subject = 'ada' group by 1, 2, 3, 4`,
    );
    console.info(
      `${calls} calls while a persona changed 12 times; in force elsewhere ${Math.max(...lags).toFixed(0)} ms later at most`,
    );
    const plain = rows.filter(({ revoked_by: by }) => by === null);
    expect(plain.map(({ outcome }) => outcome as string).toSorted()).toEqual(['FORBIDDEN', 'OK']);
    for (const { policy_version: version, decision } of plain) expect(decision).toBe(versions.get(version));
    // begun under the wide one, and ended by the narrow one
    for (const { policy_version: version, revoked_by: by } of rows.filter((row) => !plain.includes(row))) {
      expect([versions.get(version), versions.get(by)]).toEqual(['allow', 'deny']);
    }
    expect(calls).toBeGreaterThan(100);
    expect(Math.max(...lags)).toBeLessThan(5000);
  });
});

const grant = (replica: Replica, more: object = {}) =>
  replica.administer('persona_grant', { persona: 'viewer', to: 'ada', for: '1h', reason: 'incident', ...more });

describe('a grant', () => {
  it('is in place of the own persona until it is revoked, and every call names it', async () => {
    const database = await stores.make();
    const [one, two] = [await replicas.start(database), await replicas.start(database)];
    await set(one, narrow);
    const { id } = await grant(one);
    await comes(async () => (await outcomeOf(two)) === 'OK');
    const { rows } = await database.asRunRole(
      `select persona, details ->> 'grant' as grant, outcome from howdah.audit_event
        where principal_subject = 'ada' and outcome = 'OK'`,
    );
    expect(rows[0]).toEqual({ persona: 'viewer', grant: id, outcome: 'OK' });
    const error = await failure(grant(two));
    expect(error).toMatchObject({ code: 'CONFLICT', details: { grant: id } });
    await two.administer('persona_revoke', { grant: id, reason: 'solved' });
    await comes(async () => (await outcomeOf(one)) === 'FORBIDDEN');
    expect(await failure(two.administer('persona_revoke', { grant: id, reason: 'solved' }))).toMatchObject({
      code: 'CONFLICT',
    });
    expect((await one.administer('persona_grants', {}))['rows']).toMatchObject([
      { id, state: 'revoked', to: 'key:ada' },
    ]);
  });

  it('ends by the clock, also for calls under way elsewhere, and its end is on record once', async () => {
    const database = await stores.make();
    const [one, two] = [await replicas.start(database), await replicas.start(database)];
    const { store } = one.platform;
    if (!store) throw new Error('there is a store');
    const at = new Date().toISOString();
    const lasts = { at, until: new Date(Date.now() + 2500).toISOString(), author: 'a test', reason: 'short' };
    const short = { id: uuidv7(), issuer: null, subject: null, role: 'support', persona: 'viewer', ...lasts };
    await store.exchange([grantStep(store.keys, short, uuidv7())]);
    await until(() => two.platform.deps.policy.grants(ada)[0], 2000);
    expect(await outcomeOf(two)).toBe('OK');
    await sleep(Date.parse(short.until) - Date.now() + 1);
    expect(await outcomeOf(one)).toBe('FORBIDDEN');
    expect(await outcomeOf(two)).toBe('FORBIDDEN');
    const [job] = grantJobs({ store, audit: one.platform.deps.audit });
    await job?.run(new AbortController().signal);
    await job?.run(new AbortController().signal);
    const { rows } = await database.asRunRole(
      `select e.outcome, e.details ->> 'grant' as grant, g.how from howdah.audit_event e
         join howdah.persona_grant_end g on g.event_id = e.id where e.operation = 'grant_expired'`,
    );
    expect(rows).toEqual([{ outcome: 'OK', grant: short.id, how: 'expired' }]);
  });

  it('is for whoever shows a credential, for a persona that exists, and not for ever', async () => {
    const one = await replicas.start(await stores.make(), { grants: { longest: '2h' } });
    expect(await failure(grant(one, { persona: 'veiwer' }))).toMatchObject({
      code: 'NOT_FOUND',
      hint: 'Did you mean "viewer"?',
    });
    expect(await failure(grant(one, { for: '3h' }))).toMatchObject({
      code: 'INVALID_INPUT',
      details: { limit: 'grants.longest', value: '2h' },
    });
    expect(await failure(grant(one, { issuer: 'local', to: 'root' }))).toMatchObject({ code: 'INVALID_INPUT' });
    await one.administer('persona_set', {
      name: 'ops',
      spec: { roles: ['ops'], tools: { allow: ['class:admin'] } },
      reason: 'x',
    });
    for (const to of ['eve', 'role:ops']) {
      const outcome = await one.call(caller('eve', 'ops'), 'persona_grant', {
        persona: 'admin',
        to,
        for: '1h',
        reason: 'x',
      });
      expect(outcome).toMatchObject({
        ok: false,
        error: { code: 'FORBIDDEN', message: 'Nobody gives a grant to themselves.' },
      });
    }
  });

  it('that Howdah did not write gives nothing, and a planted end ends nothing', async () => {
    const database: StoreDatabase = await stores.make();
    const one = await replicas.start(database);
    const { id } = await grant(one);
    await database.asRunRole(
      `insert into howdah.persona_grant select gen_random_uuid(), issuer, 'mallory', role, 'dba', at, until, author, reason, event_id, key_id, mac
         from howdah.persona_grant`,
    );
    await database.asRunRole(
      `insert into howdah.persona_grant_end select gen_random_uuid(), id, 'revoked', at, author, reason, event_id, key_id, mac
         from howdah.persona_grant where id = $1`,
      [id],
    );
    await until(() => (one.log().includes('persona_grant_end') ? true : undefined), 5000);
    expect((await one.call(caller('mallory', 'x'), 'list_servers')).ok).toBe(false);
    expect(await outcomeOf(one)).toBe('OK');
    expect(await one.administer('persona_revoke', { grant: id, reason: 'x' })).toMatchObject({ id });
    expect(await outcomeOf(one)).toBe('FORBIDDEN');
  });
});
