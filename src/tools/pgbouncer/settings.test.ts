import { afterAll, describe, expect, it } from 'vitest';
import { openStatementTexts } from '../../sqltext/statement-texts.ts';
import type { SettingRow } from './setting-row.ts';
import { chooseSettings, isChanged, maskSettings } from './settings.ts';

const texts = openStatementTexts();
afterAll(() => texts.close());

const setting = (name: string, value: string | null, fallback: string | null = null): SettingRow => {
  return { pooler: 'main', name, value, default: fallback, restart: false };
};

describe('settings that are shown', () => {
  const settings = [
    setting('verbose', '0', null),
    setting('unix_socket_mode', '511', '0777'),
    setting('stats_users', 'stats'),
    setting('server_lifetime', '3600', '3600'),
    setting('pool_mode', 'session', 'session'),
    setting('max_client_conn', '100', '100'),
    setting('conffile', '/etc/pgbouncer/pgbouncer.ini'),
    setting('server_idle_timeout', '60', '600'),
  ];
  const names = (wanted: { name?: string; all?: boolean }) =>
    chooseSettings(settings, { name: undefined, all: false, ...wanted }).map(({ name }) => name);

  it('are those that matter, and then those that somebody has changed', () => {
    expect(names({})).toEqual(['pool_mode', 'max_client_conn', 'server_idle_timeout', 'stats_users']);
  });

  it('are all, or those that are asked for', () => {
    expect(names({ all: true })).toHaveLength(settings.length);
    expect(names({ name: 'SERVER_*' })).toEqual(['server_idle_timeout', 'server_lifetime']);
    expect(names({ name: 'life' })).toEqual(['server_lifetime']);
  });

  it('are not changed where PgBouncer only writes their default in another way', () => {
    expect(isChanged(setting('unix_socket_mode', '448', '0777'))).toBe(true);
    expect(isChanged(setting('auth_file', null, null))).toBe(false);
    expect(isChanged(setting('tcp_keepalive', '0', '1'))).toBe(true);
  });
});

const shown = async (...settings: readonly SettingRow[]) =>
  (await maskSettings(settings, texts)).map(({ value }) => value);

describe('settings that may hold secrets', () => {
  it('are masked, or withheld', async () => {
    expect(
      await shown(
        setting('auth_query', `select 'hunter2hunter2', passwd from users where name = $1`, 'SELECT …'),
        setting('auth_ldap_options', 'ldapserver=ldap ldapbindpasswd=hunter2hunter2'),
        setting('server_check_query', 'this is no SQL hunter2', 'select 1'),
        setting('some_password', 'hunter2hunter2'),
        setting('syslog_ident', 'password=hunter2hunter2', 'pgbouncer'),
      ),
    ).toEqual([
      'select $2, passwd from users where name = $1',
      '[withheld]',
      expect.not.stringContaining('hunter2'),
      '[withheld]',
      'password=[redacted]',
    ]);
  });

  it('are shown as they are where they are the defaults', async () => {
    expect(await shown(setting('server_check_query', 'select 1', 'select 1'))).toEqual(['select 1']);
    expect(await shown(setting('auth_ldap_options', null))).toEqual([null]);
  });
});
