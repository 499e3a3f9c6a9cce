import { homedir } from 'node:os';
import { cwd, platform } from 'node:process';
import { PlatformError } from '../../core/errors.ts';
import { nearest } from '../../core/nearest.ts';
import type { Shell } from '../shell.ts';
import { CLIENTS, type Launch, type McpClient } from './clients.ts';
import { describeLaunch, PLACEHOLDER } from './launch.ts';
import { mergeSnippet, renderSnippet } from './snippet.ts';
import { readIfThere, replaceFile } from './write-file.ts';

interface Request {
  readonly name: string | undefined;
  readonly write: boolean;
}

export async function runConnect(shell: Shell, { name, write }: Request): Promise<number> {
  if (name === undefined) return listClients(shell);
  const client = findClient(name);
  const launch = describeLaunch(shell.config);
  const file = client.file({ platform, env: shell.env, home: shell.env['HOME'] || homedir(), directory: cwd() });
  if (!write) return show(shell, client, { file, launch });
  const old = await readIfThere(file);
  const merged = mergeSnippet(client, launch, old ?? '');
  const backup = merged === old ? undefined : await replaceFile(file, merged);
  if (shell.json) shell.screen.printJson({ client: client.name, file, backup: backup ?? null });
  else {
    shell.screen.print(`${client.title}: howdah is in ${file}.`);
    if (backup !== undefined) shell.screen.print(`The old file is ${backup}.`);
    shell.screen.print(client.next);
  }
  remindOfPlaceholder(shell, merged, file);
  return 0;
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

function show(shell: Shell, client: McpClient, { file, launch }: { file: string; launch: Launch }): number {
  const snippet = renderSnippet(client, launch);
  if (shell.json) shell.screen.printJson({ client: client.name, file, snippet });
  else {
    shell.screen.note(`${client.title}: merge this into ${file}, or run it again with --write.`);
    shell.screen.print(snippet);
    shell.screen.note(client.next);
  }
  remindOfPlaceholder(shell, snippet, file);
  return 0;
}

function remindOfPlaceholder({ screen, env }: Shell, written: string, file: string): void {
  if (!written.includes(PLACEHOLDER)) return;
  const kept = env['DATABASE_URL'] ? ' The one in your environment was not copied, since it may hold a password.' : '';
  screen.note(`hint: Put your connection URL in the place of the placeholder in ${file}, or use --config.${kept}`);
}
