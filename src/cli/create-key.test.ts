import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { Config } from '../config/schema.ts';
import { compileApiKeys } from '../identity/api-keys.ts';
import { runCli } from './cli.ts';

let config: string;
let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'howdah-key-'));
  config = join(directory, 'howdah.yaml');
  writeFileSync(
    config,
    'servers: { shop: { url: "postgresql://" } }\npersonas: { ops: { roles: ["group:ops"], tools: { allow: ["*"] } } }',
    {
      mode: 0o600,
    },
  );
});
afterAll(() => rmSync(directory, { recursive: true }));

const create = (...args: string[]) => createIn({}, ...args);

async function createIn(env: Readonly<Record<string, string>>, ...args: string[]) {
  const written = { stdout: '', stderr: '' };
  const into = (name: 'stdout' | 'stderr') =>
    new Writable({
      write: (chunk: Buffer, _, done) => {
        written[name] += chunk.toString();
        done();
      },
    });
  const code = await runCli({
    args: ['key', 'create', ...args],
    env,
    stdin: Readable.from([]),
    stdout: into('stdout'),
    stderr: into('stderr'),
    signal: new AbortController().signal,
    interrupted: () => undefined,
  });
  return { code, ...written };
}

const idle = (persona: string) => `warning: The key may call no tool: the persona \`${persona}\` allows none`;

describe('howdah key create', () => {
  it('needs nothing of the environment', async () => {
    const { code, stderr } = await createIn({ DATABASE_URL: 'nonsense' }, '--role', 'dba', '--json');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  it('warns of a key that may call no tool, by its role or by what it leaves of it', async () => {
    expect((await create('--role', 'auditor')).stderr).toContain(idle('auditor'));
    expect((await create('--role', 'analyst', '--tools', 'activity')).stderr).toContain(idle('analyst'));
    expect((await create('--role', 'group:ops', '--tools', 'activity', '-c', config)).stderr).not.toContain('warning');
  });

  it('writes the key to standard output alone, and an entry that the configuration takes beside it', async () => {
    const wishes = ['--role', 'dba', '--role', 'group:ops', '--name', 'Ada, laptop', '--expires', '2999-01-31'];
    const limits = ['--tools', 'class:schema,list_tables', '--tools', '*', '--servers', 'shop'];
    const { code, stdout, stderr } = await create(...wishes, ...limits, '--networks', '10.0.0.0/8', '-c', config);
    expect(code).toBe(0);
    const key = stdout.trimEnd();
    expect(stdout).toBe(`${key}\n`);
    expect(stderr).not.toContain(key);
    const { auth } = Config.parse(parseYaml(stderr.slice(stderr.indexOf('auth:'))));
    expect(auth.api_keys[0]).toMatchObject({
      name: 'Ada, laptop',
      roles: ['dba', 'group:ops'],
      expires_at: '2999-01-31T00:00:00Z',
      tools: ['class:schema', 'list_tables', '*'],
      servers: ['shop'],
      networks: ['10.0.0.0/8'],
    });
    const keys = compileApiKeys(auth.api_keys);
    expect(keys.find(key, '10.1.1.1')?.client).toBe('Ada, laptop');
    expect(keys.find(key, '11.1.1.1')).toBeUndefined();
  });

  it('prints all of it as JSON, and nothing more than is needed', async () => {
    const { code, stdout, stderr } = await create('--role', 'viewer', '--json');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const { key, id, hash, entry } = JSON.parse(stdout) as Record<string, unknown>;
    expect(entry).toEqual({ id, hash, roles: ['viewer'] });
    expect(key).toContain(id);
  });

  it('counts days from now', async () => {
    const { stdout } = await create('--role', 'viewer', '--expires', '90d', '--json');
    const { entry } = JSON.parse(stdout) as { entry: { expires_at: string } };
    const days = (Date.parse(entry.expires_at) - Date.now()) / 86_400_000;
    expect(days).toBeGreaterThan(89.99);
    expect(days).toBeLessThanOrEqual(90);
  });

  it('warns of roles that choose no persona, with those of the configuration', async () => {
    const alone = await create('--role', 'group:ops', '--json');
    expect(alone.code).toBe(0);
    expect(alone.stderr).toMatch(
      /^warning: The key has no role that chooses a persona.*\nhint: Name your configuration/,
    );
    expect((await create('--role', 'group:ops', '--json', '-c', config)).stderr).toBe('');
    const near = await create('--role', 'group:op', '--json', '-c', config);
    expect(near.stderr).toContain('did you mean `group:ops`?');
  });

  it.each([
    [[], 'A key needs a role: it chooses what its caller may do.', 'Add --role; there are admin, analyst'],
    [['--role', 'dba', '--expires', '2020-01-01'], '--expires "2020-01-01" is no time to come.', 'Write a number'],
    [['--role', 'dba', '--expires', 'soon'], '--expires "soon" is no time to come.', 'Write a number'],
    [['--role', 'dba', '--expires', '0d'], '--expires "0d" is no time to come.', 'Write a number'],
    [['--role', 'dba', '--expires', '99999999d'], 'is no time to come.', 'Write a number'],
    [['--role', 'dba', '--tools', 'list_table'], '--tools "list_table" names no tool; did you mean list_tables?', ''],
    [['--role', 'dba', '--tools', 'x,,y'], '--tools "x" names no tool', ''],
    [['--role', 'dba', '--tools', ''], '--tools "" is empty; write * for every name.', ''],
    [['--role', 'dba', '--networks', 'home'], '--networks is no network; write 10.0.0.0/8', ''],
    [['--role', ''], '--role is empty', ''],
    [['--role', 'dba', '--name', 'x'.repeat(101)], '--name must be at most 100.', ''],
  ])('refuses %j and prints no key', async (args, message, hint) => {
    const { code, stdout, stderr } = await create(...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(message);
    expect(stderr).toContain(hint);
  });

  it('knows the servers only where a configuration is named', async () => {
    const args = ['--role', 'dba', '--servers', 'shp', '--json'];
    expect((await create(...args)).code).toBe(0);
    expect(await create(...args, '-c', config)).toMatchObject({
      code: 2,
      stderr: 'error: --servers "shp" names no server; did you mean shop?\n',
    });
  });
});
