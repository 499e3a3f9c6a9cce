/** `howdah serve` as a process, and what it leaves behind. */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { stringify } from 'yaml';
import type { AuditEvent } from '../src/contract/audit-event.ts';
import { createApiKey, type NewApiKey } from '../src/identity/api-key.ts';
import { howdahCommand } from './built-program.ts';
import { until } from './mcp-session.ts';

/** Free ports, so that any number of them run side by side, and the audit log in files. */
const USUAL = {
  http: { listen: '127.0.0.1:0' },
  telemetry: { metrics: { listen: '127.0.0.1:0' } },
  store: { embedded: false },
};

export interface KeyedCaller extends NewApiKey {
  /** What the configuration holds of the key. */
  readonly entry: { readonly id: string; readonly hash: string; readonly roles: readonly string[] };
}

export function createCaller(...roles: string[]): KeyedCaller {
  const made = createApiKey();
  return { ...made, entry: { id: made.id, hash: made.hash, roles } };
}

/** A directory with the configuration and the audit log of one `howdah serve`. */
export interface ServePlace {
  readonly config: string;
  readonly auditDirectory: string;
  /** Replaces the configuration; the ports stay whatever is free, and nothing embedded, unless it says otherwise. */
  configure(config: Readonly<Record<string, unknown>>): void;
  events(kind?: AuditEvent['kind']): AuditEvent[];
  /** Whether a text stands anywhere in what was written. */
  holds(text: string): boolean;
  /** It is killed after a minute, or after so long. */
  start(lifetimeMs?: number): ServeProcess;
  remove(): void;
}

export interface ServeProcess {
  readonly child: ChildProcessByStdio<null, Readable, Readable>;
  /** What came on stderr so far. */
  log(): string;
  /** Resolves with the address of MCP when it is ready. */
  ready(limitMs?: number): Promise<string>;
  /** Resolves when the log has a text that was not there before `action`. */
  logs(text: string, action: () => void): Promise<void>;
  readonly exited: Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }>;
}

/** `program`: arguments of node, in place of the program itself. */
export function createServePlace(
  config: Readonly<Record<string, unknown>>,
  program: readonly string[] = howdahCommand(),
): ServePlace {
  const state = mkdtempSync(join(tmpdir(), 'howdah-serve-'));
  const file = join(state, 'howdah.yaml');
  const audit = join(state, 'audit');
  const configure = (next: Readonly<Record<string, unknown>>) =>
    writeFileSync(file, stringify({ ...USUAL, ...next }), { mode: 0o600 });
  const lines = () => readdirSync(audit).flatMap((name) => readFileSync(join(audit, name), 'utf8').split('\n'));
  configure(config);
  return {
    config: file,
    auditDirectory: audit,
    configure,
    events: (kind) =>
      lines()
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line) as AuditEvent)
        .filter((event) => kind === undefined || event.kind === kind),
    holds: (text) => lines().some((line) => line.includes(text)),
    start: (lifetimeMs = 60_000) =>
      startServe(
        [...program, 'serve', '--config', file],
        { PATH: process.env['PATH'] ?? '', HOME: state, HOWDAH_STATE: state },
        lifetimeMs,
      ),
    remove: () => rmSync(state, { recursive: true, force: true }),
  };
}

function startServe(args: readonly string[], env: Record<string, string>, timeout: number): ServeProcess {
  const child = spawn(process.execPath, args, {
    cwd: join(import.meta.dirname, '..'),
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout,
    killSignal: 'SIGKILL',
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  return {
    child,
    log: () => stderr,
    ready: (limitMs = 15_000) => until(() => / is ready: (\S+) /.exec(stderr)?.[1], limitMs),
    logs: async (text, action) => {
      const before = stderr.length;
      action();
      await until(() => (stderr.slice(before).includes(text) ? true : undefined), 10_000);
    },
    exited: new Promise((resolve) => child.once('close', (code) => resolve({ code, stdout, stderr }))),
  };
}

interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly body: { readonly result?: Readonly<Record<string, unknown>>; readonly error?: unknown };
}

/** One MCP request, as a client of the era of 2025 sends it. */
export async function post(
  url: string,
  key: string | undefined,
  request: { readonly method: string; readonly params?: Readonly<Record<string, unknown>> },
): Promise<Reply> {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': '2025-11-25',
      ...(key !== undefined && { authorization: `Bearer ${key}` }),
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, params: {}, ...request }),
    signal: AbortSignal.timeout(15_000),
  });
  const text = await response.text();
  const body = (text === '' ? {} : JSON.parse(text)) as Reply['body'];
  return { status: response.status, headers: response.headers, body };
}
