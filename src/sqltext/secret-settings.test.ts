import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { isSecretSetting, maskSetting } from './secret-settings.ts';

const secret = randomBytes(18).toString('base64url');

it.each([
  'primary_conninfo',
  'archive_command',
  'restore_command',
  'basebackup_to_shell.command',
  'archive_cleanup_command',
  'recovery_end_command',
  'ssl_passphrase_command',
  'my_passphrase_command',
  'app.current_user',
  'app.jwt_secret',
  'pgcrypto.key',
  'timescaledb.admin_password',
  'citus.node_conninfo',
  'postgis.gdal_vsi_options',
  'Archive_Command',
])('withholds the value of %s', (name) => {
  expect(maskSetting(name, secret)).toBe('[withheld]');
});

it.each([
  ['work_mem', '4MB'],
  ['password_encryption', 'scram-sha-256'],
  ['md5_password_warnings', 'on'],
  ['krb_server_keyfile', 'FILE:/etc/krb5.keytab'],
  ['ssl_key_file', 'server.key'],
  ['ssl_passphrase_command_supports_reload', 'off'],
  ['pg_stat_statements.max', '5000'],
  ['auto_explain.log_min_duration', '-1'],
  ['plpgsql.variable_conflict', 'error'],
  ['cron.database_name', 'postgres'],
  ['primary_slot_name', 'standby_1'],
  ['archive_command', ''],
  ['archive_command', '(disabled)'],
  ['restore_command', null],
])('shows that %s is %s', (name, value) => {
  expect(maskSetting(name, value)).toBe(value);
});

it('scrubs the values that it shows', () => {
  expect(maskSetting('cluster_name', `postgres://app:${secret}@far/db`)).toBe('postgres://app:[redacted]@far/db');
});

it('takes a custom setting for secret unless its extension is known', () => {
  expect(['app.tenant', 'pg_stat_statements_x.a', 'x.pg_stat_statements'].every(isSecretSetting)).toBe(true);
  expect(['pgaudit.log', 'hnsw.ef_search', 'server_version'].some(isSecretSetting)).toBe(false);
});
