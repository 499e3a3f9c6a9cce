import { isDeepStrictEqual } from 'node:util';
import { parse as parseToml } from 'smol-toml';
import { PlatformError } from '../../core/errors.ts';
import { isRecord } from '../../core/record.ts';
import type { Launch, McpClient } from './clients.ts';
import type { Remote } from './remote.ts';

/** What Howdah is called in a client's list of servers. */
export const SERVER_NAME = 'howdah';

type Tree = Readonly<Record<string, unknown>>;

/** How the client comes to Howdah: by starting it, or over HTTP. */
export type Connection = Launch | Remote;

/** The lines for a client's file when it is edited by hand. */
export function renderSnippet(client: McpClient, connection: Connection): string {
  if (client.format === 'json') return JSON.stringify(treeOf(client, connection), null, 2);
  const { env, ...rest } = entryOf(client, connection);
  const table = `${client.key}.${SERVER_NAME}`;
  return [renderTable(table, rest), ...(isRecord(env) ? [renderTable(`${table}.env`, env)] : [])].join('\n\n');
}

/**
 * The text of a client's file with Howdah among its servers and all else kept, an environment that Howdah had there
 * too. Fails with CONFLICT if the file cannot be read.
 */
export function mergeSnippet(client: McpClient, connection: Connection, text: string): string {
  return client.format === 'json' ? mergeJson(client, connection, text) : mergeToml(client, connection, text);
}

function treeOf(client: McpClient, connection: Connection): Tree {
  return { [client.key]: { [SERVER_NAME]: entryOf(client, connection) } };
}

function entryOf({ entry, remote }: McpClient, connection: Connection): Tree {
  if ('url' in connection) return remote(connection);
  return entry === undefined ? { ...connection } : entry(connection);
}

function mergeJson(client: McpClient, connection: Connection, text: string): string {
  // a byte order mark is no JSON
  const body = text.replace(/^\uFEFF/, '');
  const old = body.trim() === '' ? {} : read(client, () => JSON.parse(body));
  const indent = /^[ \t]+(?=")/m.exec(body)?.[0] ?? 2;
  return `${JSON.stringify(withServer(client, keepEnvironment(client, connection, old), old), null, indent)}\n`;
}

/** TOML keeps its comments and layout: our tables are cut out and put at the end, and the result is read again. */
function mergeToml(client: McpClient, connection: Connection, text: string): string {
  const old = read(client, () => parseToml(text));
  const merging = keepEnvironment(client, connection, old);
  const kept = withoutTables(text, [client.key, SERVER_NAME]).trimEnd();
  const merged = `${kept === '' ? '' : `${kept}\n\n`}${renderSnippet(client, merging)}\n`;
  const expected = withServer(client, merging, old);
  if (isDeepStrictEqual(plain(read(client, () => parseToml(merged))), plain(expected))) return merged;
  throw unreadable(client, `has "${SERVER_NAME}" in a form that cannot be replaced safely`);
}

function withServer(client: McpClient, connection: Connection, old: Tree): Tree {
  const servers = old[client.key] ?? {};
  if (!isRecord(servers)) throw unreadable(client, `has a "${client.key}" that is no object`);
  const added = treeOf(client, connection)[client.key];
  return { ...old, [client.key]: { ...servers, ...(isRecord(added) ? added : {}) } };
}

/** What stands in an environment already is somebody's work. An API key is not kept: it may be for another address. */
function keepEnvironment({ key }: McpClient, connection: Connection, old: Tree): Connection {
  const servers = old[key];
  const before = isRecord(servers) ? servers[SERVER_NAME] : undefined;
  const env = isRecord(before) ? before['env'] : undefined;
  if ('url' in connection || connection.env === undefined || !isRecord(env)) return connection;
  const texts = Object.entries(env).flatMap(([name, value]) =>
    typeof value === 'string' ? [[name, value] as const] : [],
  );
  return { ...connection, env: { ...connection.env, ...Object.fromEntries(texts) } };
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
