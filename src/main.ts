#!/usr/bin/env node
import { argv, env, exit, stderr, stdin, stdout } from 'node:process';
import { runCli } from './cli/cli.ts';

/** Conventional exit codes of a process that a signal ended: 128 + its number. */
const SIGNAL_EXITS = { SIGINT: 130, SIGTERM: 143 } as const;

const ECHO_MS = 500;

const leave = new AbortController();
let interrupted: number | undefined;
let askedAtMs = 0;
let broken: number | undefined;

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    // the first asks, a later one insists; npm sends at once again what the terminal has sent
    if (interrupted !== undefined && performance.now() - askedAtMs > ECHO_MS) exit(interrupted);
    if (interrupted !== undefined) return;
    interrupted = SIGNAL_EXITS[signal];
    askedAtMs = performance.now();
    leave.abort();
  });
}

stdout.on('error', (error: NodeJS.ErrnoException) => {
  // EPIPE: `howdah tools | head` has read enough
  if (error.code !== 'EPIPE') broken = 1;
  leave.abort();
});
stderr.on('error', () => {});

const code = await runCli({
  args: argv.slice(2),
  env,
  stdin,
  stdout,
  stderr,
  signal: leave.signal,
  interrupted: () => interrupted,
});
await new Promise((resolve) => stdout.write('', resolve));
exit(broken ?? code);
