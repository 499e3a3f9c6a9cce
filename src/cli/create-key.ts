import { stringify } from 'yaml';
import { describeIdleRoles, rolesOf } from '../config/auth-checks.ts';
import { describeIssues } from '../config/issue.ts';
import { loadConfig } from '../config/load.ts';
import { Config } from '../config/schema.ts';
import { PlatformError } from '../core/errors.ts';
import { createApiKey } from '../identity/api-key.ts';
import { principalOf } from '../identity/api-keys.ts';
import { compilePersonas } from '../policy/compile.ts';
import { findServerPatternProblem } from '../policy/database-pattern.ts';
import { describeIdlePersona } from '../policy/idle.ts';
import { findToolPatternProblem } from '../policy/tool-pattern.ts';
import { tools as allTools } from '../tools/all-tools.ts';
import type { Shell } from './shell.ts';

const DAY_MS = 86_400_000;

type ApiKey = Config['auth']['api_keys'][number];

interface Wishes {
  readonly role?: readonly string[];
  readonly name?: string;
  readonly expires?: string;
  readonly tools?: readonly string[];
  readonly servers?: readonly string[];
  readonly networks?: readonly string[];
}

/** Prints a new key, which is stored nowhere, and what the configuration needs to know of it. */
export async function createKey({ env, screen, json, config: path }: Shell, wishes: Wishes): Promise<number> {
  // what the environment has of servers says nothing of personas
  const config = path === undefined ? Config.parse({}) : (await loadConfig({ path, env })).config;
  const { key, id, hash } = createApiKey();
  const entry = {
    id,
    hash,
    ...(wishes.name !== undefined && { name: wishes.name }),
    roles: requireRoles(wishes.role, config),
    ...(wishes.expires !== undefined && { expires_at: readExpiry(wishes.expires, Date.now()) }),
    ...listOf('tools', wishes.tools, (pattern) => findToolPatternProblem(pattern, allTools)),
    ...listOf('servers', wishes.servers, (pattern) =>
      findServerPatternProblem(pattern, path === undefined ? undefined : Object.keys(config.servers)),
    ),
    ...listOf('networks', wishes.networks, () => undefined),
  };
  const idleness = describeIdleness(parseEntry(entry), config);
  if (idleness !== undefined) {
    screen.note(`warning: ${sentence(idleness)}`);
    if (path === undefined) screen.note('hint: Name your configuration with -c to look there.');
  }
  if (json) screen.printJson({ key, id, hash, entry });
  else {
    screen.note('The key. It is shown once and kept nowhere: give it to its caller and to nobody else.\n');
    screen.print(key);
    screen.note('\nWhat the configuration needs, which is no secret; then restart howdah serve or send it SIGHUP:\n');
    screen.note(stringify({ auth: { api_keys: [entry] } }, { lineWidth: 0 }).trimEnd());
  }
  return 0;
}

function requireRoles(given: readonly string[] | undefined, config: Config): readonly string[] {
  if (given !== undefined) return given;
  throw new PlatformError('INVALID_INPUT', 'A key needs a role: it chooses what its caller may do.', {
    hint: `Add --role; there are ${[...rolesOf(config)].toSorted().join(', ')}.`,
  });
}

/** `90d`, a date or a moment. */
function readExpiry(text: string, now: number): string {
  const days = /^([1-9]\d{0,4})d$/.exec(text)?.[1];
  const at =
    days === undefined ? Date.parse(/^\d{4}-\d\d-\d\d(T|$)/.test(text) ? text : '') : now + Number(days) * DAY_MS;
  if (at > now) return new Date(at).toISOString().replace(/\.\d+Z$/, 'Z');
  throw new PlatformError('INVALID_INPUT', `--expires ${JSON.stringify(text)} is no time to come.`, {
    hint: 'Write a number of days, such as 90d, or a date, such as 2027-01-31 or 2027-01-31T12:00:00Z.',
  });
}

/** Commas may stand between patterns, since none has one. Fails with INVALID_INPUT. */
function listOf(
  name: 'tools' | 'servers' | 'networks',
  given: readonly string[] | undefined,
  problemOf: (pattern: string) => string | undefined,
): Readonly<Record<string, readonly string[]>> {
  if (given === undefined) return {};
  const items = given.flatMap((text) => text.split(',')).map((text) => text.trim());
  for (const item of items) {
    const problem = problemOf(item);
    if (problem !== undefined)
      throw new PlatformError('INVALID_INPUT', sentence(`--${name} ${JSON.stringify(item)} ${problem}`));
  }
  return { [name]: items };
}

/** Why a key may do nothing under the personas of a configuration; undefined if it may do something. */
function describeIdleness(key: ApiKey, config: Config): string | undefined {
  const roles = rolesOf(config);
  if (!key.roles.some((role) => roles.has(role.normalize('NFC'))))
    return describeIdleRoles('The key', key.roles, roles);
  return describeIdlePersona('The key', principalOf(key, 0), compilePersonas(config.personas), allTools);
}

/** Fails with INVALID_INPUT for what the configuration would refuse. */
function parseEntry(entry: Readonly<Record<string, unknown>>): ApiKey {
  const tree = { auth: { api_keys: [entry] } };
  const { data, error } = Config.safeParse(tree);
  const [key] = data?.auth.api_keys ?? [];
  if (key !== undefined) return key;
  const [problem = { path: '', message: 'is no entry of a key' }] = error ? describeIssues(error.issues, tree) : [];
  const option = problem.path
    .replace('auth.api_keys[0].', '--')
    .replace(/\[\d+\]$/, '')
    .replace('--roles', '--role');
  throw new PlatformError('INVALID_INPUT', sentence(`${option} ${problem.message}`));
}

function sentence(text: string): string {
  return /[.?]$/.test(text) ? text : `${text}.`;
}
