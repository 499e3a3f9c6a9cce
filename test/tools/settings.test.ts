import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { quoteIdentifier } from '../../src/postgres/sql.ts';
import { cloneDatabase, useClone } from '../postgres/clone.ts';
import { describeEachMajor, describeEachStandby } from '../postgres/each-major.ts';
import { runSql } from '../postgres/instance.ts';
import {
  loginsOf,
  LOGINS,
  openHowdah,
  openNarrowHowdah,
  runAs,
  useHowdah,
  type Answer,
  type Row,
} from '../postgres/platform.ts';
import { withSeparateServer } from '../postgres/separate-server.ts';
import { fieldsOf, objects } from './advice.ts';

const secret = () => randomBytes(12).toString('hex');

function rowOf({ rows }: Answer, name: string): Row {
  return rows.find((row) => row['name'] === name) ?? {};
}

function listOf(answer: Answer, part: string): readonly Row[] {
  return answer[part] as readonly Row[];
}

describeEachMajor('settings', (cluster) => {
  const clone = useClone(cluster);
  const howdah = useHowdah(clone);

  it.each(loginsOf(cluster))('shows each value as SHOW writes it, for %s', async (login) => {
    const url = { superuser: clone().superuserUrl, monitor: clone().monitorUrl, plain: clone().plainUrl }[login];
    const expected = await runAs(
      url,
      `select name, current_setting(name) as value from pg_settings where source not in ('session', 'client') and name not like 'tcp_keepalives_%' order by name`,
    );
    const answer = await howdah(login).call('settings', { limit: 500 });
    const shown = new Map(answer.rows.map(({ name, value }) => [name, value]));
    const different = expected.filter(({ name, value }) => shown.get(String(name)) !== value);
    expect(different).toEqual([]);
    expect(expected.length).toBeGreaterThan(250);
    expect(answer).toMatchObject({ total: answer.rows.length, truncated: false });
  });

  it('has the unit, the default, the limits and the place of a setting', async () => {
    const answer = await howdah('monitor').call('settings', { name: 'shared_buffers' });
    expect(answer.rows[0]).toMatchObject({
      value: '16MB',
      setting: '2048',
      unit: '8kB',
      default: expect.stringMatching(/^(8|128)MB$/),
      changed: true,
      source: 'command line',
      context: 'postmaster',
      type: 'integer',
      min: '16',
      choices: null,
      pending_restart: false,
    });
    const level = await howdah('monitor').call('settings', { name: 'wal_level' });
    expect(rowOf(level, 'wal_level')).toMatchObject({ value: 'logical', choices: ['minimal', 'replica', 'logical'] });
    const locale = await howdah('monitor').call('settings', { name: 'lc_messages' });
    expect(locale.rows[0]).toMatchObject({
      file: expect.stringMatching(/postgresql\.conf$/),
      line: expect.any(Number),
    });
    const hidden = await howdah('plain').call('settings', { name: 'lc_messages' });
    expect(hidden.rows[0]).toMatchObject({ file: null, line: null });
  });

  it('shows what the server has, and not what Howdah sets for itself', async () => {
    await runAs(clone().superuserUrl, `alter database ${clone().name} set lock_timeout = '7min'`);
    const fresh = await openHowdah(clone().plainUrl);
    const answer = await fresh.call('settings', { text: 'timeout' });
    expect(rowOf(answer, 'statement_timeout')).toMatchObject({ value: '0', changed: false, source: null });
    expect(rowOf(answer, 'lock_timeout')).toMatchObject({
      value: '7min',
      setting: '420000',
      changed: true,
      source: null,
    });
    expect(listOf(answer, 'overrides')).toContainEqual({
      name: 'lock_timeout',
      value: '7min',
      role: null,
      database: clone().name,
    });
    const path = await fresh.call('settings', { name: 'search_path' });
    expect(path.rows[0]).toMatchObject({ value: '"$user", public' });
    await fresh.close();
    await runAs(clone().superuserUrl, `alter database ${clone().name} reset lock_timeout`);
  });

  it.each<[Record<string, unknown>, string[]]>([
    [
      { name: 'work_mem' },
      [
        'work_mem',
        'autovacuum_work_mem',
        ...(cluster.major >= 13 ? ['logical_decoding_work_mem'] : []),
        'maintenance_work_mem',
      ],
    ],
    [{ name: 'WORK_MEM*' }, ['work_mem']],
    [{ name: 'fsync' }, ['fsync']],
    [{ text: 'crash recovery', name: 'full' }, []],
    [{ text: 'updates to disk' }, ['fsync', 'wal_sync_method']],
    [{ category: 'replication*sending*', name: 'max_wal' }, ['max_wal_senders']],
    [{ name: '%main%work_MEM' }, ['maintenance_work_mem']],
    [{ name: 'no_such_setting' }, []],
  ])('finds settings by %j', async (input, names) => {
    const answer = await howdah('plain').call('settings', input);
    expect(answer.rows.map(({ name }) => name)).toEqual(names);
  });

  it('lists what was changed first, or nothing else', async () => {
    const changed = await howdah('monitor').call('settings', { changed_only: true, limit: 500 });
    expect(fieldsOf(changed, 'name', 'changed')).toEqual(
      expect.arrayContaining([
        ['autovacuum', true],
        ['fsync', true],
        ['shared_preload_libraries', true],
      ]),
    );
    for (const name of ['statement_timeout', 'search_path', 'client_encoding', 'work_mem', 'server_version'])
      expect(rowOf(changed, name)).toEqual({});
    const all = await howdah('monitor').call('settings', { limit: changed.total + 1 });
    expect(all.rows.map((row) => row['changed'])).toEqual([...changed.rows.map(() => true), false]);
    expect(all.truncated).toBe(true);
  });

  it.each(loginsOf(cluster))('judges the whole configuration, whatever is asked for, for %s', async (login) => {
    const answer = await howdah(login).call('settings', { name: 'port' });
    expect(objects(answer)).toEqual(['critical "fsync"', 'critical "full_page_writes"', 'warning "autovacuum"']);
  });

  it('finds questionable values', async () => {
    await runAs(
      clone().superuserUrl,
      `alter database ${clone().name} set session_replication_role = replica`,
      `alter database ${clone().name} set enable_hashjoin = off`,
      `alter database ${clone().name} set synchronous_commit = off`,
    );
    const fresh = await openHowdah(clone().plainUrl);
    const answer = await fresh.call('settings', { name: 'port' });
    expect(objects(answer).slice(2)).toEqual([
      'warning "autovacuum"',
      'warning "session_replication_role"',
      'notice "enable_hashjoin"',
      'notice "synchronous_commit"',
    ]);
    await fresh.close();
    await runAs(clone().superuserUrl, `alter database ${clone().name} reset all`);
  });

  it('does not take what its own login was given for the settings of the server', async () => {
    const login = `given_${secret()}`;
    const password = secret();
    const role = quoteIdentifier(login);
    await runAs(
      clone().superuserUrl,
      `create role ${role} login password '${password}'`,
      ...['enable_seqscan = off', 'synchronous_commit = off', 'default_transaction_read_only = on'].map(
        (set) => `alter role ${role} set ${set}`,
      ),
      `alter role ${role} in database ${clone().name} set work_mem = '1GB'`,
    );
    const url = new URL(clone().plainUrl);
    Object.assign(url, { username: login, password });
    const given = await openHowdah(url.href);
    try {
      const answer = await given.call('settings', { limit: 500 });
      expect(objects(answer)).toEqual(['critical "fsync"', 'critical "full_page_writes"', 'warning "autovacuum"']);
      for (const name of ['enable_seqscan', 'synchronous_commit', 'default_transaction_read_only', 'work_mem']) {
        expect(rowOf(answer, name)).toMatchObject({ value: null, setting: null, changed: false, source: 'user' });
      }
      expect(rowOf(answer, 'enable_sort')).toMatchObject({ value: 'on', source: 'default' });
    } finally {
      await given.close();
      await runAs(
        clone().superuserUrl,
        `alter role ${role} in database ${clone().name} reset all`,
        `drop role ${role}`,
      );
    }
  });

  it('shows no secret, be it of the server, a role or a database', async () => {
    const planted = secret();
    const role = quoteIdentifier(`We.ird "${secret()}"`);
    await runAs(
      clone().superuserUrl,
      `create role ${role}`,
      `alter role ${role} in database ${clone().name} set app.api_token = '${planted}'`,
      `alter role ${role} set work_mem = '64MB'`,
      `alter database ${clone().name} set app.customer = 'x=${planted}'`,
      `alter database ${clone().name} set application_name = 'password=${planted}'`,
    );
    const fresh = await openHowdah(clone().superuserUrl);
    try {
      const answer = await fresh.call('settings', { limit: 500 });
      expect(JSON.stringify(answer)).not.toContain(planted);
      expect(listOf(answer, 'overrides')).toEqual(
        expect.arrayContaining([
          {
            name: 'app.api_token',
            value: '[withheld]',
            role: expect.stringMatching(/^We\.ird "/),
            database: clone().name,
          },
          { name: 'app.customer', value: '[withheld]', role: null, database: clone().name },
          { name: 'application_name', value: 'password=[redacted]', role: null, database: clone().name },
          { name: 'work_mem', value: '64MB', role: expect.stringMatching(/^We\.ird "/), database: null },
        ]),
      );
      const found = await fresh.call('settings', { name: 'app.api' });
      expect(listOf(found, 'overrides').map(({ name }) => name)).toEqual(['app.api_token']);
    } finally {
      await fresh.close();
      await runAs(
        clone().superuserUrl,
        `alter database ${clone().name} reset all`,
        `drop owned by ${role}`,
        `drop role ${role}`,
      );
    }
  });

  it('shows no overrides of databases that the persona does not open', async () => {
    const other = await cloneDatabase({ ...cluster }, `closed_${secret().slice(0, 8)}`, 'fixture_ext');
    await runAs(clone().superuserUrl, `alter database ${other.name} set work_mem = '99MB'`);
    const narrow = await openNarrowHowdah(clone().plainUrl, clone().name);
    try {
      const seen = await howdah('plain').call('settings', { name: 'work_mem' });
      expect(listOf(seen, 'overrides')).toContainEqual({
        name: 'work_mem',
        value: '99MB',
        role: null,
        database: other.name,
      });
      const answer = await narrow.call('settings', { name: 'work_mem' });
      expect(JSON.stringify(answer)).not.toContain(other.name);
      expect(answer.not_examined?.[0]).toMatchObject({
        what: '1 row of other databases, among settings of roles and databases',
      });
    } finally {
      await narrow.close();
      await other.drop();
    }
  });

  it('says what a login may not see, and how it could', async () => {
    expect(await howdah('superuser').call('settings')).toMatchObject({ file_errors: [] });
    expect(await howdah('superuser').call('settings')).not.toHaveProperty('not_examined');
    const monitor = await howdah('monitor').call('settings');
    expect(monitor).toMatchObject({ file_errors: null });
    expect(monitor.not_examined).toMatchObject([{ what: 'errors in the configuration files' }]);
    const plain = await howdah('plain').call('settings');
    expect(plain.not_examined).toMatchObject([{}, { remedy: 'GRANT pg_monitor TO "plain";' }]);
    expect(rowOf(await howdah('plain').call('settings', { name: 'data_directory' }), 'data_directory')).toEqual({});
    expect(monitor.not_examined?.[0]).not.toHaveProperty('remedy'); // it would show the login every password in the files
    expect(await howdah('monitor').call('settings', { name: 'port' })).not.toHaveProperty('not_examined');
  });

  it.each([
    [{ config_name: 'work_mem' }, 'work_mem'],
    [{ filter_text: 'updates to disk' }, 'fsync'],
  ])('answers to get_postgresql_config with %j', async (input, name) => {
    expect((await howdah('monitor').call('get_postgresql_config', input)).rows[0]).toMatchObject({ name });
  });
});

describeEachStandby('settings of a standby', (cluster) => {
  const clone = useClone(cluster);
  const standby = useHowdah(() => clone().standby ?? clone());

  it.each(LOGINS)('are its own, and withhold how it connects, for %s', async (login) => {
    const answer = await standby(login).call('settings', { name: 'primary*' });
    const conninfo = login === 'plain' ? {} : { value: '[withheld]', setting: null, default: '', changed: true };
    expect(rowOf(answer, 'primary_conninfo')).toMatchObject(conninfo);
    expect(JSON.stringify(answer)).not.toContain('host=');
    expect(rowOf(answer, 'primary_slot_name')).toMatchObject({ value: 'standby' });
  });
});

describe('settings on a bad day', () => {
  it('reports what waits for a restart, errors in the files, and no value of a line that is wrong', async () => {
    const planted = secret();
    await withSeparateServer({ archive_mode: 'on', archive_command: `true ${planted}` }, async (server, url) => {
      await runSql(server, 'postgres', 'alter system set max_connections = 120');
      await runSql(server, 'postgres', `alter system set wal_buffers = '2MB'`);
      await runSql(server, 'postgres', 'select pg_reload_conf()');
      const howdah = await openHowdah(url);
      for (let attempt = 0; ; attempt++, await sleep(50)) {
        const answer = await howdah.call('settings', { pending_restart: true });
        if (answer.rows.length === 0 && attempt < 100) continue;
        expect(fieldsOf(answer, 'name', 'pending_restart')).toEqual([
          ['max_connections', true],
          ['wal_buffers', true],
        ]);
        expect(answer.findings.find(({ claim }) => claim.includes('take a restart'))).toMatchObject({
          evidence: { count: 2 },
        });
        expect(answer).toMatchObject({ file_errors: [] });
        break;
      }
      const file = join(server.dataDir, 'postgresql.conf');
      const sound = readFileSync(file, 'utf8');
      // names are looked at before values are
      for (const [name, line] of [
        ['primary_conifno', `primary_conifno = 'password=${planted}'`],
        ['work_mem', `work_mem = '${planted}'`],
      ] as const) {
        writeFileSync(file, `${sound}\n${line}\n`);
        const answer = await howdah.call('settings', { limit: 500 });
        expect(answer['file_errors']).toEqual([
          { file, line: sound.split('\n').length + 1, name, error: expect.any(String) },
        ]);
        expect(answer.findings[0]).toMatchObject({ severity: 'critical', evidence: { count: 1, file, name } });
        expect(rowOf(answer, 'archive_command')).toMatchObject({ value: '[withheld]', setting: null });
        expect(JSON.stringify(answer)).not.toContain(planted);
      }
      await howdah.close();
    });
  });
});
