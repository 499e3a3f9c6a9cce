import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { runCli } from './cli.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'howdah-check-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

/** `howdah config check --json` of a file with this text. */
async function check(text: string, env: Readonly<Record<string, string>> = {}) {
  const file = join(directory, 'howdah.yaml');
  writeFileSync(file, text, { mode: 0o600 });
  let stdout = '';
  const stream = new Writable({
    write: (chunk: Buffer, _, done) => {
      stdout += chunk.toString();
      done();
    },
  });
  const code = await runCli({
    args: ['config', 'check', file, '--json'],
    env: { ...env, HOWDAH_STATE: join(directory, 'state') },
    stdin: Readable.from([]),
    stdout: stream,
    stderr: new Writable({ write: (_, __, done) => done() }),
    signal: new AbortController().signal,
    interrupted: () => undefined,
  });
  return { code, answer: JSON.parse(stdout) as Readonly<Record<string, unknown>> };
}

it('finds patterns that no start would accept, in personas and in keys, and opens nothing', async () => {
  const { code, answer } = await check(`
personas: { support: { tools: { allow: [lst_tables] } } }
auth:
  api_keys:
    - { id: abcdefghijkl, hash: 'sha256:${'0'.repeat(64)}', roles: [support], servers: [shop] }
`);
  expect(code).toBe(2);
  expect(answer).toMatchObject({
    error: {
      code: 'CONFIG_INVALID',
      details: {
        problems: [
          { path: 'personas.support.tools.allow[0]', message: 'names no tool; did you mean list_tables?' },
          { path: 'auth.api_keys[0].servers[0]', message: 'names no server; there are: (none)' },
        ],
      },
    },
  });
  expect(readdirSync(directory)).toEqual(['howdah.yaml']);
});

it('warns of keys that do nothing', async () => {
  const { code, answer } = await check(
    `auth: { api_keys: [{ id: abcdefghijkl, hash: 'sha256:${'0'.repeat(64)}', roles: [vewer] }] }`,
  );
  expect(code).toBe(0);
  expect(answer).toMatchObject({
    ok: true,
    warnings: [
      'auth.api_keys[0] has no role that chooses a persona, so that it may do nothing; did you mean `viewer`?',
    ],
  });
});

it('warns of a key whose persona allows nothing that is served, and of an anonymous one', async () => {
  const { answer } = await check(`
auth:
  anonymous: { persona: auditor }
  api_keys:
    - { id: abcdefghijkl, hash: 'sha256:${'0'.repeat(64)}', roles: [dba], tools: [activity] }
    - { id: abcdefghijkm, hash: 'sha256:${'0'.repeat(64)}', roles: [auditor] }
    - { id: abcdefghijkn, hash: 'sha256:${'0'.repeat(64)}', roles: [analyst], tools: [activity] }
`);
  expect(answer['warnings']).toEqual([
    'auth.api_keys[1] may call no tool: the persona `auditor` allows none of those that are served.',
    'auth.api_keys[2] may call no tool: the persona `analyst` allows none of those that are served within what the credential leaves of it.',
    'auth.anonymous may call no tool: the persona `auditor` allows none of those that are served.',
  ]);
});

it('finds a listener whose certificate is not there', async () => {
  const { code, answer } = await check(
    'http: { tls: { cert: c.pem, key: k.pem } }\nauth: { anonymous: { persona: viewer } }',
  );
  expect(code).toBe(2);
  expect(answer).toMatchObject({
    error: { code: 'CONFIG_INVALID', message: expect.stringMatching(/^http\.tls\.key: \S+k\.pem does not exist/) },
  });
});

it.each([
  ['secrets: { key: { file: gone } }', 'secrets.key.file', 'cannot be read: ENOENT'],
  ['secrets: { key: { file: short } }', 'secrets.key', 'is shorter than 43 characters'],
  ['secrets: { key: { env: SHORT } }', 'secrets.key', 'is shorter than 43 characters'],
  ['secrets: { previous: [{ file: gone }] }', 'secrets.previous[0].file', 'cannot be read: ENOENT'],
  [
    'audit: { otlp: { logs_url: "http://[::1]/v1/logs", headers: { authorization: { file: gone } } } }',
    'audit.otlp.headers.authorization.file',
    'cannot be read: ENOENT',
  ],
])('finds what a start with a store could not read, and makes no key: %s', async (text, path, message) => {
  writeFileSync(join(directory, 'short'), 'a'.repeat(42));
  const { code, answer } = await check(text, { SHORT: 'a'.repeat(42) });
  expect(code).toBe(2);
  const problems = [{ path, message: expect.stringContaining(message) as string }];
  expect(answer).toMatchObject({ error: { code: 'CONFIG_INVALID', details: { problems } } });
  expect(readdirSync(directory)).toEqual(['howdah.yaml', 'short']);
  // without a store nothing of it is read
  expect((await check(`store: { embedded: false }\n${text}`, { SHORT: 'a' })).code).toBe(0);
});

it('accepts a key of a file, and makes none where the configuration names none', async () => {
  writeFileSync(join(directory, 'key'), 'a'.repeat(43));
  expect((await check('secrets: { key: { file: key } }')).code).toBe(0);
  expect((await check('servers: {}')).code).toBe(0);
  expect(readdirSync(directory)).toEqual(['howdah.yaml', 'key']);
});

it('warns of a listener that nobody may call, and of metrics that everybody may read', async () => {
  const { code, answer } = await check('http: {}\ntelemetry: { metrics: { listen: "0.0.0.0:9100" } }');
  expect(code).toBe(0);
  expect(answer['warnings']).toEqual([
    expect.stringMatching(/^auth lets nobody call/),
    expect.stringMatching(/^telemetry\.metrics\.listen is beyond this machine/),
  ]);
});
