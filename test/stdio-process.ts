/** `howdah stdio` as a process, and what it leaves behind. */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import type { AuditEvent } from '../src/contract/audit-event.ts';
import { howdahCommand } from './built-program.ts';
import { until } from './mcp-session.ts';

const ROOT = join(import.meta.dirname, '..');

export interface StdioPlace {
  readonly command: string;
  readonly args: string[];
  readonly cwd: string;
  readonly env: Record<string, string>;
  /** What is on record, of all processes that ran here. */
  events(): AuditEvent[];
  remove(): void;
}

/** A state directory of its own and how to start `howdah stdio` in it; `config` is YAML. */
export function createStdioPlace(databaseUrl: string, config?: string): StdioPlace {
  const state = mkdtempSync(join(tmpdir(), 'howdah-stdio-'));
  const file = join(state, 'howdah.yaml');
  if (config !== undefined) writeFileSync(file, config, { mode: 0o600 });
  return {
    command: process.execPath,
    args: howdahCommand('stdio', ...(config === undefined ? [] : ['--config', file])),
    cwd: ROOT,
    env: { PATH: process.env['PATH'] ?? '', HOME: state, HOWDAH_STATE: state, DATABASE_URL: databaseUrl },
    events: () =>
      readdirSync(join(state, 'audit'))
        .flatMap((file) => readFileSync(join(state, 'audit', file), 'utf8').split('\n'))
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line) as AuditEvent),
    remove: () => rmSync(state, { recursive: true, force: true }),
  };
}

interface Answer {
  readonly id?: unknown;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: Readonly<Record<string, unknown>>;
}

/** Howdah spoken to by lines, for what no client would send. */
export interface RawStdio {
  readonly child: ChildProcessByStdio<Writable, Readable, Readable>;
  /** Every line that came on stdout, parsed: one that is not JSON fails the test. */
  readonly received: readonly Answer[];
  /** What came on stderr so far. */
  readonly log: () => string;
  readonly exited: Promise<number | null>;
  readonly send: (message: unknown) => void;
  readonly answerTo: (id: unknown, ms?: number) => Promise<Answer>;
}

export function startRaw({ command, args, cwd, env }: StdioPlace): RawStdio {
  const child = spawn(command, args, { cwd, env, stdio: ['pipe', 'pipe', 'pipe'] });
  const received: Answer[] = [];
  let rest = '';
  let log = '';
  child.stdout.on('data', (chunk: Buffer) => {
    const lines = (rest + chunk.toString()).split('\n');
    rest = lines.pop() ?? '';
    received.push(...lines.map((line) => JSON.parse(line) as Answer));
  });
  child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()));
  child.stdin.on('error', () => undefined);
  return {
    child,
    received,
    log: () => log,
    exited: new Promise((resolve) => child.once('exit', resolve)),
    send: (message) => child.stdin.write(`${typeof message === 'string' ? message : JSON.stringify(message)}\n`),
    answerTo: (id, ms = 15_000) => until(() => received.find((answer) => answer.id === id), ms),
  };
}
