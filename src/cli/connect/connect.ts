import { homedir } from 'node:os';
import { cwd, platform } from 'node:process';
import { PlatformError } from '../../core/errors.ts';
import { nearest } from '../../core/nearest.ts';
import type { Shell } from '../shell.ts';
import { CLIENTS, type McpClient } from './clients.ts';
import { describeLaunch, PLACEHOLDER } from './launch.ts';
import { describeRemote, isExposed, KEY_PLACEHOLDER } from './remote.ts';
import { mergeSnippet, renderSnippet, type Connection } from './snippet.ts';
import { readIfThere, replaceFile } from './write-file.ts';

interface Request {
  readonly name: string | undefined;
  readonly write: boolean;
  /** Of a running `howdah serve`; without it the client starts a Howdah of its own. */
  readonly url: string | undefined;
  readonly keyVariable: string | undefined;
}

export async function runConnect(shell: Shell, request: Request): Promise<number> {
  const { name, write } = request;
  if (name === undefined) return listClients(shell);
  const client = findClient(name);
  const connection = describeConnection(shell, request);
  const file = client.file({ platform, env: shell.env, home: shell.env['HOME'] || homedir(), directory: cwd() });
  if (!write) return show(shell, client, { file, connection });
  const old = await readIfThere(file);
  const merged = mergeSnippet(client, connection, old ?? '');
  const backup = merged === old ? undefined : await replaceFile(file, merged);
  if (shell.json) shell.screen.printJson({ client: client.name, file, backup: backup ?? null });
  else {
    shell.screen.print(`${client.title}: howdah is in ${file}.`);
    if (backup !== undefined) shell.screen.print(`The old file is ${backup}.`);
    shell.screen.print(client.next);
  }
  remind(shell, merged, file);
  return 0;
}

function describeConnection({ config, screen }: Shell, { url, keyVariable }: Request): Connection {
  if (url === undefined && keyVariable === undefined) return describeLaunch(config);
  if (url === undefined || config !== undefined) {
    throw new PlatformError(
      'INVALID_INPUT',
      url === undefined ? '--key-env goes with --url.' : '--url and --config are two ways to connect.',
      { hint: '--url connects to a running howdah serve; --config starts a Howdah for the client alone.' },
    );
  }
  const remote = describeRemote({ url, keyVariable });
  if (isExposed(remote)) screen.note('warning: http:// beyond this machine lets everyone on the way read the key.');
  return remote;
}

function listClients({ screen, json }: Shell): number {
  if (json) screen.printJson({ clients: CLIENTS.map(({ name, title }) => ({ name, title })) });
  else for (const { name, title } of CLIENTS) screen.print(`${name.padEnd(16)}${title}`);
  return 0;
}

function findClient(name: string): McpClient {
  const client = CLIENTS.find((candidate) => candidate.name === name);
  if (client) return client;
  const names = CLIENTS.map((candidate) => candidate.name);
  const near = nearest(name, names);
  throw new PlatformError('INVALID_INPUT', `No client is named ${JSON.stringify(name)}.`, {
    hint: near === undefined ? `There are: ${names.join(', ')}.` : `Did you mean "${near}"?`,
  });
}

function show(shell: Shell, client: McpClient, { file, connection }: { file: string; connection: Connection }): number {
  const snippet = renderSnippet(client, connection);
  if (shell.json) shell.screen.printJson({ client: client.name, file, snippet });
  else {
    shell.screen.note(`${client.title}: merge this into ${file}, or run it again with --write.`);
    shell.screen.print(snippet);
    shell.screen.note(client.next);
  }
  remind(shell, snippet, file);
  return 0;
}

/** What is still to be filled in. */
function remind({ screen, env }: Shell, written: string, file: string): void {
  if (written.includes(KEY_PLACEHOLDER)) {
    screen.note(`hint: Put your key in the place of ${KEY_PLACEHOLDER} in ${file}; howdah key create makes one.`);
  }
  if (!written.includes(PLACEHOLDER)) return;
  const kept = env['DATABASE_URL'] ? ' The one in your environment was not copied, since it may hold a password.' : '';
  screen.note(`hint: Put your connection URL in the place of the placeholder in ${file}, or use --config.${kept}`);
}
