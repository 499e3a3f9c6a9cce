import { isDeepStrictEqual } from 'node:util';
import { parse as parseToml } from 'smol-toml';
import { PlatformError } from '../../core/errors.ts';
import { isRecord } from '../../render/field.ts';
import type { Launch, McpClient } from './clients.ts';

/** What Howdah is called in a client's list of servers. */
export const SERVER_NAME = 'howdah';

type Tree = Readonly<Record<string, unknown>>;

/** The lines for a client's file when it is edited by hand. */
export function renderSnippet(client: McpClient, launch: Launch): string {
  if (client.format === 'json') return JSON.stringify(treeOf(client, launch), null, 2);
  const { env, ...start } = launch;
  const table = `${client.key}.${SERVER_NAME}`;
  return [renderTable(table, start), ...(env === undefined ? [] : [renderTable(`${table}.env`, env)])].join('\n\n');
}

/**
 * The text of a client's file with Howdah among its servers and all else kept, an environment that Howdah had there
 * too. Fails with CONFLICT if the file cannot be read.
 */
export function mergeSnippet(client: McpClient, launch: Launch, text: string): string {
  return client.format === 'json' ? mergeJson(client, launch, text) : mergeToml(client, launch, text);
}

function treeOf({ key, entry }: McpClient, launch: Launch): Tree {
  return { [key]: { [SERVER_NAME]: entry === undefined ? launch : entry(launch) } };
}

function mergeJson(client: McpClient, launch: Launch, text: string): string {
  // a byte order mark is no JSON
  const body = text.replace(/^\uFEFF/, '');
  const old = body.trim() === '' ? {} : read(client, () => JSON.parse(body));
  const indent = /^[ \t]+(?=")/m.exec(body)?.[0] ?? 2;
  return `${JSON.stringify(withServer(client, keepEnvironment(client, launch, old), old), null, indent)}\n`;
}

/** TOML keeps its comments and layout: our tables are cut out and put at the end, and the result is read again. */
function mergeToml(client: McpClient, launch: Launch, text: string): string {
  const old = read(client, () => parseToml(text));
  const merging = keepEnvironment(client, launch, old);
  const kept = withoutTables(text, [client.key, SERVER_NAME]).trimEnd();
  const merged = `${kept === '' ? '' : `${kept}\n\n`}${renderSnippet(client, merging)}\n`;
  const expected = withServer(client, merging, old);
  if (isDeepStrictEqual(plain(read(client, () => parseToml(merged))), plain(expected))) return merged;
  throw unreadable(client, `has "${SERVER_NAME}" in a form that cannot be replaced safely`);
}

function withServer(client: McpClient, launch: Launch, old: Tree): Tree {
  const servers = old[client.key] ?? {};
  if (!isRecord(servers)) throw unreadable(client, `has a "${client.key}" that is no object`);
  const added = treeOf(client, launch)[client.key];
  return { ...old, [client.key]: { ...servers, ...(isRecord(added) ? added : {}) } };
}

/** Where the connection is left to the environment, what stands there already is somebody's work. */
function keepEnvironment({ key }: McpClient, launch: Launch, old: Tree): Launch {
  const servers = old[key];
  const before = isRecord(servers) ? servers[SERVER_NAME] : undefined;
  const env = isRecord(before) ? before['env'] : undefined;
  if (launch.env === undefined || !isRecord(env)) return launch;
  const texts = Object.entries(env).flatMap(([name, value]) =>
    typeof value === 'string' ? [[name, value] as const] : [],
  );
  return { ...launch, env: { ...launch.env, ...Object.fromEntries(texts) } };
}

function read(client: McpClient, parse: () => unknown): Tree {
  let tree: unknown;
  try {
    tree = parse();
  } catch (error) {
    throw unreadable(client, `is not valid ${client.format.toUpperCase()}`, error);
  }
  if (isRecord(tree)) return tree;
  throw unreadable(client, 'holds no object');
}

function unreadable(client: McpClient, problem: string, cause?: unknown): PlatformError {
  return new PlatformError('CONFLICT', `The configuration of ${client.title} ${problem}; it was left as it is.`, {
    hint: 'Comments count too, where JSON is asked for. Leave out --write and paste the snippet.',
    cause,
  });
}

function renderTable(name: string, values: Tree): string {
  // a JSON string is a basic string of TOML, and a list of them a TOML array
  return [`[${name}]`, ...Object.entries(values).map(([key, value]) => `${key} = ${JSON.stringify(value)}`)].join('\n');
}

/** Leaves out the tables whose headers begin with `path`. */
function withoutTables(text: string, path: readonly string[]): string {
  let ours = false;
  return text
    .split('\n')
    .filter((line) => {
      const header = /^\s*\[+\s*([^\]]+?)\s*\]+\s*(#.*)?$/.exec(line)?.[1];
      if (header !== undefined) {
        const keys = header.split('.').map((key) => key.trim().replaceAll(/^["']|["']$/g, ''));
        ours = path.every((key, i) => keys[i] === key);
      }
      return !ours;
    })
    .join('\n');
}

/** Parsed TOML has objects without a prototype. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}
