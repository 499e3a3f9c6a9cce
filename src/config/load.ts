import { homedir } from 'node:os';
import { dirname, resolve } from 'node:path';
import { nearest } from '../core/nearest.ts';
import { isRecord } from '../core/record.ts';
import { Secret } from '../core/secret.ts';
import { findKeyProblems, findKeyWarnings } from './auth-checks.ts';
import { findHttpWarnings } from './http-checks.ts';
import { findEnvironmentServer } from './environment.ts';
import { readConfigFile } from './file.ts';
import { findIssuerProblems, findIssuerWarnings } from './oidc-checks.ts';
import { describeIssues } from './issue.ts';
import { findKey } from './key.ts';
import { createConfigError, type Problem } from './problem.ts';
import { BUILT_IN_PERSONAS, Config, FILE_PATH } from './schema.ts';
import { findSecretProblems, findStoreWarnings } from './store-section.ts';
import { isLiteral, substitute, type Environment } from './substitution.ts';
import { mapTexts } from './tree.ts';
import { parseYamlTree } from './yaml-tree.ts';

export interface ConfigRequest {
  /** A YAML file. */
  readonly path?: string | undefined;
  /** A connection URL in place of a file. */
  readonly url?: string | undefined;
  readonly env: Environment;
}

export interface LoadedConfig {
  readonly config: Config;
  readonly warnings: readonly string[];
  /** Where it came from, for people: a path, a variable, `the command line` or `nothing`. */
  readonly source: string;
}

/** In the place of a file of certificates: https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNECT-SSLROOTCERT */
const SYSTEM_CERTIFICATES = 'system';

type Parsed = ReturnType<typeof Config.parse>;

/** Reads the configuration, checks it whole and freezes it. Fails with CONFIG_INVALID, which lists all problems. */
export async function loadConfig({ path, url, env }: ConfigRequest): Promise<LoadedConfig> {
  if (path !== undefined && url !== undefined) {
    throw createConfigError('the command line', [{ path: '', message: 'gives a file and a URL; leave one out' }]);
  }
  if (path !== undefined) return loadFile(path, env);
  const found = url === undefined ? findEnvironmentServer(env) : { source: 'the command line', server: { url } };
  const source = found?.source ?? 'nothing';
  const tree = found ? { servers: { default: found.server }, default_server: 'default' } : {};
  const problems: Problem[] = [];
  const parsed = parseConfig(tree, env, problems);
  if (parsed && problems.length === 0) return { config: freeze(parsed), warnings: [], source };
  throw createConfigError(
    source,
    problems.map(({ message }) => ({ path: '', message })),
  );
}

async function loadFile(path: string, env: Environment): Promise<LoadedConfig> {
  const { text, readableByAll, writableByAll } = await readConfigFile(path);
  const problems: Problem[] = [];
  const tree = (await parseYamlTree(text, path, problems)) ?? {};
  const filled = resolvePaths(substitute(tree, env, problems), dirname(resolve(path)), env);
  const parsed = parseConfig(filled, env, problems);
  if (!parsed || problems.length > 0) throw createConfigError(path, problems);
  const config: Config = freeze(parsed);
  const warnings = [
    ...findHttpWarnings(config, isRecord(tree) && 'http' in tree),
    ...findKeyWarnings(config, Date.now()),
    ...findIssuerWarnings(config),
    ...findStoreWarnings(config, Config.parse({})),
  ];
  if (writableByAll) warnings.unshift(`${path} may be changed by every user of this machine; run chmod o-w.`);
  if (readableByAll && holdsLiteralSecret(tree)) {
    warnings.unshift(
      `${path} holds a password and every user of this machine may read it; run chmod o-r, or write \${NAME}.`,
    );
  }
  return { config, warnings, source: path };
}

/** undefined when its form is wrong; a value that is missing since its variable is not set is reported once. */
function parseConfig(tree: unknown, env: Environment, problems: Problem[]): Parsed | undefined {
  const result = Config.safeParse(tree);
  if (!result.success) {
    const reported = new Set(problems.map(({ path }) => path));
    problems.push(...describeIssues(result.error.issues, tree).filter(({ path }) => !reported.has(path)));
    return undefined;
  }
  problems.push(
    ...findDanglingNames(result.data, env),
    ...findKeyProblems(result.data),
    ...findIssuerProblems(result.data),
  );
  return result.data;
}

/** Names that stand for something which is not there. */
function findDanglingNames(config: Parsed, env: Environment): Problem[] {
  const problems: Problem[] = [];
  const servers = Object.keys(config.servers);
  const personas = [...Object.keys(config.personas), ...BUILT_IN_PERSONAS];
  if (config.default_server !== undefined && !servers.includes(config.default_server)) {
    problems.push({ path: 'default_server', message: describeDangling('server', config.default_server, servers) });
  }
  const chosen = [
    { path: 'stdio.persona', name: config.stdio.persona },
    { path: 'auth.anonymous.persona', name: config.auth.anonymous?.persona },
  ];
  for (const { path, name } of chosen) {
    if (name === undefined || personas.includes(name)) continue;
    problems.push({ path, message: describeDangling('persona', name, personas) });
  }
  for (const [path, password] of passwordsOf(config)) {
    const variable = password instanceof Secret ? undefined : password?.env;
    if (variable === undefined || Object.hasOwn(env, variable)) continue;
    problems.push({ path: `${path}.env`, message: 'names an environment variable that is not set; set it' });
  }
  return [...problems, ...findSecretProblems(config, env)];
}

type Password = Parsed['servers'][string]['password'];

/** Of servers, of their logins and of their poolers, with the path of each. */
function passwordsOf({ servers }: Parsed): (readonly [path: string, password: Password])[] {
  return Object.entries(servers).flatMap(([name, { password, logins, pgbouncer }]) => [
    [`servers.${name}.password`, password] as const,
    ...Object.entries(logins).map(([login, of]) => [`servers.${name}.logins.${login}.password`, of.password] as const),
    ...Object.entries(pgbouncer).map(
      ([pooler, of]) => [`servers.${name}.pgbouncer.${pooler}.password`, of.password] as const,
    ),
  ]);
}

function describeDangling(noun: string, name: string, names: readonly string[]): string {
  const near = nearest(name, names);
  const advice = near === undefined ? `there are: ${names.join(', ') || '(none)'}` : `did you mean \`${near}\`?`;
  return `names no ${noun}; ${advice}`;
}

/** Paths are as seen from the file, since an MCP client starts Howdah in a directory of its own choice. */
function resolvePaths(tree: unknown, directory: string, env: Environment): unknown {
  return mapTexts(tree, (text, path) => {
    if (text === '' || text === SYSTEM_CERTIFICATES || findKey(path)?.format !== FILE_PATH) return text;
    return text.startsWith('~/') ? resolve(env['HOME'] ?? homedir(), text.slice(2)) : resolve(directory, text);
  });
}

/** Whether a password stands in the file itself, alone or in a URL. */
function holdsLiteralSecret(tree: unknown): boolean {
  const found: string[] = [];
  mapTexts(tree, (text, path) => {
    const isBelow = path.length === 5 && (path[2] === 'pgbouncer' || path[2] === 'logins');
    if (path[0] !== 'servers' || (path.length !== 3 && !isBelow)) return;
    const key = path.at(-1);
    if (key === 'password') found.push(text);
    const inUrl = /:\/\/[^:/?#]*:(.*)@|[?&\s]password\s*=\s*([^&\s]*)/.exec(key === 'url' ? text : '');
    found.push(inUrl?.[1] ?? inUrl?.[2] ?? '');
  });
  return found.some(isLiteral);
}

function freeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const inner of Object.values(value)) freeze(inner);
  return value;
}
