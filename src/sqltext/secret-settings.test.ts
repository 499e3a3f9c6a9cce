import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { isSecretSetting, maskSetting, scrubText } from './secret-settings.ts';

const secret = randomBytes(18).toString('base64url');
const json = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
const pem = (word: string) => `-----${word} PRIVATE KEY-----`;

it.each([
  'primary_conninfo',
  'archive_command',
  'restore_command',
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
  expect(maskSetting('cluster_name', `postgres://app:${secret}@far/db`)).toBe('postgres://app:[withheld]@far/db');
});

it('takes a custom setting for secret unless its extension is known', () => {
  expect(['app.tenant', 'pg_stat_statements_x.a', 'x.pg_stat_statements'].every(isSecretSetting)).toBe(true);
  expect(['pgaudit.log', 'hnsw.ef_search', 'server_version'].some(isSecretSetting)).toBe(false);
});

it.each([
  [
    `could not connect to postgres://app:${secret}@far:5432/db?sslmode=require`,
    'could not connect to postgres://app:[withheld]@far:5432/db?sslmode=require',
  ],
  [`postgresql://app:p@s/${secret}@far/db x`, 'postgresql://app:[withheld]@far/db x'],
  [`postgres://app:${secret}`, 'postgres://app:[withheld]'],
  [`host=far password=${secret} dbname=db`, 'host=far password=[withheld] dbname=db'],
  [`password='it''s ${secret}' dbname=db`, 'password=[withheld] dbname=db'],
  [String.raw`password=a\ ${secret} dbname=db`, 'password=[withheld] dbname=db'],
  [`password='${secret}`, 'password=[withheld]'],
  [`PGPASSWORD=${secret} psql`, 'PGPASSWORD=[withheld] psql'],
  [`sslpassword = ${secret}`, 'sslpassword = [withheld]'],
  [`{"api_key": "${secret}", "a": 1}`, '{"api_key": [withheld], "a": 1}'],
  [`scram_client_key=${secret} a`, 'scram_client_key=[withheld] a'],
  [`ALTER ROLE app PASSWORD '${secret}' LOGIN`, 'ALTER ROLE app PASSWORD [withheld] LOGIN'],
  [`password $a$${secret}$a$ x`, 'password [withheld] x'],
  [`Authorization: Bearer ${secret}`, 'Authorization: [withheld]'],
  [`header bearer ${secret}.`, 'header bearer [withheld]'],
  [`sk-${secret} was refused`, '[withheld] was refused'],
])('scrubs %j', (text, scrubbed) => {
  expect(scrubText(text)).toBe(scrubbed);
  expect(scrubText(text)).not.toContain(secret);
});

it('scrubs tokens and what PostgreSQL keeps of a password', () => {
  const token = `${json({ alg: 'none' })}.${json({ sub: secret })}.${secret}`;
  const hash = randomBytes(32).toString('base64');
  const verifiers = [`md5${randomBytes(16).toString('hex')}`, `SCRAM-SHA-256$4096:${hash}$${hash}:${hash}`];
  for (const text of [token, ...verifiers, `${pem('BEGIN')}\n${secret}\n${pem('END')}`]) {
    expect(scrubText(`a ${text} b`)).toBe('a [withheld] b');
  }
});

it.each([
  'password authentication failed for user "app"',
  'connection to server at "far" (10.0.0.1), port 5432 failed: FATAL: database "a" does not exist',
  'postgres://far:5432/db, postgres://[::1]:5432/db and postgres://a:5432,b:5433/db',
  'https://www.postgresql.org/docs/current/auth-password.html',
  'PostgreSQL JDBC Driver',
  'md5 of the token',
  'invalid input syntax for type uuid: "0198c0de-0000-7000-8000-000000000000"',
])('leaves %s as it is', (text) => {
  expect(scrubText(text)).toBe(text);
});

it.each(['a://', 'a://b:', "password='", 'password ', 'password=\\', 'token"', 'eyJ', '-----BEGIN A', 'basic '])(
  'scrubs a text of many %s in linear time',
  (piece) => {
    const text = piece.repeat(100_000 / piece.length);
    const start = performance.now();
    scrubText(text);
    expect(performance.now() - start).toBeLessThan(1000);
  },
);
