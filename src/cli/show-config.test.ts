import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runCli } from './cli.ts';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'howdah-check-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

/** `howdah config check --json` of a file with this text. */
async function check(text: string) {
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
    env: { HOWDAH_STATE: join(directory, 'state') },
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
