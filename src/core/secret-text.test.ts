import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { scrubSecrets } from './secret-text.ts';

const secret = randomBytes(18).toString('base64url');
const json = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
const pem = (word: string) => `-----${word} PRIVATE KEY-----`;

it.each([
  [
    `could not connect to postgres://app:${secret}@far:5432/db?sslmode=require`,
    'could not connect to postgres://app:[redacted]@far:5432/db?sslmode=require',
  ],
  [`postgresql://app:p@s/${secret}@far/db x`, 'postgresql://app:[redacted]@far/db x'],
  [`postgres://app:${secret.repeat(100)}@far/db me@far`, 'postgres://app:[redacted]@far/db me@far'],
  [`postgres://app:${secret}`, 'postgres://app:[redacted]'],
  [`host=far password=${secret} dbname=db`, 'host=far password=[redacted] dbname=db'],
  [`password='it''s ${secret}' dbname=db`, 'password=[redacted] dbname=db'],
  [String.raw`password=a\ ${secret} dbname=db`, 'password=[redacted] dbname=db'],
  [`password='${secret}`, 'password=[redacted]'],
  [`PGPASSWORD=${secret} psql`, 'PGPASSWORD=[redacted] psql'],
  [`sslpassword = ${secret}`, 'sslpassword = [redacted]'],
  [`{"api_key": "${secret}", "a": 1}`, '{"api_key": [redacted], "a": 1}'],
  [`scram_client_key=${secret} a`, 'scram_client_key=[redacted] a'],
  [`ALTER ROLE app PASSWORD '${secret}' LOGIN`, 'ALTER ROLE app PASSWORD [redacted] LOGIN'],
  [`password $a$${secret}$a$ x`, 'password [redacted] x'],
  [`Authorization: Bearer ${secret}`, 'Authorization: [redacted]'],
  [`header bearer ${secret}.`, 'header bearer [redacted]'],
  [`sk-${secret} was refused`, '[redacted] was refused'],
])('scrubs %j', (text, scrubbed) => {
  expect(scrubSecrets(text)).toBe(scrubbed);
  expect(scrubSecrets(text)).not.toContain(secret);
});

it('scrubs tokens and what PostgreSQL keeps of a password', () => {
  const token = `${json({ alg: 'none' })}.${json({ sub: secret })}.${secret}`;
  const hash = randomBytes(32).toString('base64');
  const verifiers = [`md5${randomBytes(16).toString('hex')}`, `SCRAM-SHA-256$4096:${hash}$${hash}:${hash}`];
  for (const text of [token, ...verifiers, `${pem('BEGIN')}\n${secret}\n${pem('END')}`]) {
    expect(scrubSecrets(`a ${text} b`)).toBe('a [redacted] b');
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
  expect(scrubSecrets(text)).toBe(text);
});

it.each([
  'a://',
  'a://b:',
  'a://b ',
  "password='",
  'password ',
  'password=\\',
  'token"',
  'eyJ',
  '-----BEGIN A',
  'basic ',
])('scrubs a text of many %s in linear time', (piece) => {
  const text = piece.repeat(4_000_000 / piece.length);
  const start = performance.now();
  scrubSecrets(text);
  expect(performance.now() - start).toBeLessThan(5000);
});
