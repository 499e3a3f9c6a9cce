import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openAuditFile } from '../audit/file.ts';
import type { AuditLog } from '../audit/event.ts';
import { createConfigError } from '../config/problem.ts';
import { Config } from '../config/schema.ts';
import type { AuditEvent } from '../contract/audit-event.ts';
import type { Principal } from '../contract/principal.ts';
import { createApiKey } from '../identity/api-key.ts';
import { compileCallers, createLiveCallers } from '../identity/callers.ts';
import { compilePersonas } from '../policy/compile.ts';
import { createLivePolicy } from '../policy/live.ts';
import { createLogger } from '../telemetry/logger.ts';
import { createReload } from './reload.ts';

const ADDRESS = '127.0.0.1';
const first = createApiKey();
const second = createApiKey();
const query = { name: 'query', area: 'sql', accessClass: 'query' } as const;

const configWith = (more: object, ...keys: (typeof first)[]) =>
  Config.parse({ auth: { api_keys: keys.map(({ id, hash }) => ({ id, hash, roles: ['dba'] })) }, ...more });

let directory: string;
let audit: AuditLog;
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'howdah-reload-'));
  audit = await openAuditFile({ directory, version: '0' });
});
afterEach(async () => {
  await audit.close();
  rmSync(directory, { recursive: true });
});

function events(): AuditEvent[] {
  return readdirSync(directory)
    .flatMap((file) => readFileSync(join(directory, file), 'utf8').split('\n'))
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as AuditEvent)
    .filter(({ kind }) => kind === 'configuration');
}

function start(config: Config) {
  const policy = createLivePolicy(compilePersonas(config.personas));
  const callers = createLiveCallers(compileCallers(config.auth));
  const lines: string[] = [];
  let told = 0;
  const reload = createReload({
    config,
    policy,
    callers,
    compile: async (next) => () => compilePersonas(next.personas),
    audit,
    logger: createLogger('warn', { isTerminal: false, write: (line) => void lines.push(line) }),
    onChanged: () => (told += 1),
  });
  const read = (next: Config, warnings: string[] = []) =>
    reload(() => Promise.resolve({ config: next, warnings, source: 'howdah.yaml' }));
  return { policy, callers, reload, read, log: () => lines.join(''), told: () => told };
}

/** Of the first key. */
function principalOf({ callers }: ReturnType<typeof start>): Principal {
  const principal = callers.find(first.key, ADDRESS);
  if (!principal) throw new Error('the key is not known');
  return principal;
}

it('takes over personas and keys, tells subscribers, and leaves an event without a secret', async () => {
  const howdah = start(configWith({}, first));
  const before = howdah.policy.version;
  const principal = principalOf(howdah);
  expect(howdah.policy.personaFor(principal)?.operation(query).allowed).toBe(true);

  const next = configWith({ personas: { dba: { tools: { allow: ['class:schema'] } } } }, second);
  expect(await howdah.read(next)).toEqual({
    live: [`auth.api_keys.${first.id}`, 'personas.dba', `auth.api_keys.${second.id}`],
    atRestart: [],
  });
  expect(howdah.callers.find(first.key, ADDRESS)).toBeUndefined();
  expect(howdah.callers.find(second.key, ADDRESS)?.subject).toBe(second.id);
  expect(howdah.policy.personaFor(principal)?.operation(query).allowed).toBe(false);
  expect(howdah.told()).toBe(1);
  expect((await howdah.read(next))?.live).toEqual([]);
  expect(howdah.told()).toBe(1);
  expect(howdah.log()).toBe('');
  expect(events()).toHaveLength(2);
  expect(events()[0]).toMatchObject({
    kind: 'configuration',
    operation: 'reload',
    outcome: 'OK',
    policy_version: howdah.policy.version,
    details: {
      source: 'howdah.yaml',
      policy_version_before: before,
      changed: [`auth.api_keys.${first.id}`, 'personas.dba', `auth.api_keys.${second.id}`],
      restart_needed: [],
    },
  });
  expect(JSON.stringify(events())).not.toContain(second.hash);
});

it('names what needs a restart, at each reading until there is one, and takes the rest over', async () => {
  const howdah = start(configWith({}, first));
  const next = configWith({ http: { requests_per_minute: 5 }, telemetry: { log_level: 'debug' } }, first);
  expect(await howdah.read(next)).toEqual({ live: [], atRestart: ['http.requests_per_minute', 'telemetry.log_level'] });
  expect(howdah.log()).toContain('"changed":["http.requests_per_minute","telemetry.log_level"]');
  expect(howdah.told()).toBe(0);
  expect((await howdah.read(next))?.atRestart).toHaveLength(2);
  expect((await howdah.read(configWith({})))?.live).toEqual([`auth.api_keys.${first.id}`]);
});

it('keeps the old configuration when the new one has a problem, and says every problem', async () => {
  const howdah = start(configWith({}, first));
  const version = howdah.policy.version;
  const problems = [
    { path: 'personas.x', message: 'is wrong' },
    { path: 'servers.y', message: 'is wrong too' },
  ];
  expect(await howdah.reload(() => Promise.reject(createConfigError('howdah.yaml', problems)))).toBeUndefined();
  expect(await howdah.read(configWith({ personas: { a: { tools: { allow: ['**'] } } } }, second))).toBeUndefined();
  expect(howdah.callers.find(first.key, ADDRESS)?.subject).toBe(first.id);
  expect(howdah.callers.find(second.key, ADDRESS)).toBeUndefined();
  expect(howdah.policy.version).toBe(version);
  expect(howdah.log()).toMatch(/personas\.x is wrong.*servers\.y is wrong too/);
  expect(events()).toMatchObject([
    { outcome: 'CONFIG_INVALID', policy_version: version, details: { problems } },
    { outcome: 'CONFIG_INVALID', details: { problems: [{ path: 'personas.a.tools.allow[0]' }] } },
  ]);
});

it('revokes a key though the audit log cannot be written, and what the log says later has happened', async () => {
  const howdah = start(configWith({}, first));
  const away = `${directory}-away`;
  renameSync(directory, away);
  writeFileSync(directory, '');
  try {
    expect((await howdah.read(configWith({}, second)))?.live).toHaveLength(2);
    expect(howdah.callers.find(first.key, ADDRESS)).toBeUndefined();
    expect(howdah.callers.find(second.key, ADDRESS)?.subject).toBe(second.id);
    expect([howdah.told(), howdah.log()]).toEqual([1, expect.stringContaining('waits to be written to the audit log')]);
    expect(howdah.log()).not.toContain('stays in force');
    await expect(audit.record({ kind: 'ended' })).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  } finally {
    rmSync(directory);
    renameSync(away, directory);
  }
  await audit.record({ kind: 'ended' });
  expect(events()).toMatchObject([
    { outcome: 'OK', details: { changed: [`auth.api_keys.${first.id}`, `auth.api_keys.${second.id}`] } },
  ]);
  expect(howdah.callers.find(first.key, ADDRESS)).toBeUndefined();
});

it('closes and opens anonymous access at once', async () => {
  const howdah = start(configWith({}, first));
  const open = Config.parse({ auth: { anonymous: { persona: 'viewer' } } });
  expect((await howdah.read(open))?.live).toContain('auth.anonymous');
  expect(howdah.callers.anonymous()).toMatchObject({ roles: ['viewer'] });
  expect(await howdah.read(configWith({}, first))).toMatchObject({ live: expect.arrayContaining(['auth.anonymous']) });
  expect([howdah.callers.anonymous(), howdah.told()]).toEqual([undefined, 2]);
});

it('reads one after another, the last that was asked for at the end, and as often as is needed', async () => {
  const howdah = start(configWith({}, first));
  let readings = 0;
  const results = Array.from({ length: 50 }, () =>
    howdah.reload(async () => {
      readings += 1;
      await new Promise((resolve) => setTimeout(resolve, 5));
      return { config: configWith({}, second), warnings: [], source: 'howdah.yaml' };
    }),
  );
  await Promise.all(results);
  expect(readings).toBeLessThanOrEqual(2);
  expect(howdah.callers.find(second.key, ADDRESS)?.subject).toBe(second.id);
});

it('logs the warnings of what it reads', async () => {
  const howdah = start(configWith({}, first));
  await howdah.read(configWith({}, first), ['auth.api_keys[0] expired']);
  expect(howdah.log()).toContain('auth.api_keys[0] expired');
});

it('AK-05: a key has the rights of its personas at each call, whatever it once had', async () => {
  const howdah = start(configWith({}, first));
  const principal = principalOf(howdah);
  await howdah.read(configWith({ personas: { dba: { roles: ['group:dba'] } } }, first));
  expect(howdah.policy.personaFor(principal)).toBeUndefined();
});
