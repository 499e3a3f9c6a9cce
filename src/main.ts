#!/usr/bin/env node
import { argv, env, exit, stderr, stdin, stdout } from 'node:process';
import { runCli } from './cli/cli.ts';

/** Conventional exit codes of a process that a signal ended: 128 + its number. */
const SIGNAL_EXITS = { SIGINT: 130, SIGTERM: 143 } as const;

const leave = new AbortController();
let interrupted: number | undefined;

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    // the first asks, the second insists
    if (interrupted !== undefined) exit(interrupted);
    interrupted = SIGNAL_EXITS[signal];
    leave.abort();
  });
}

stdout.on('error', (error: NodeJS.ErrnoException) => {
  // EPIPE: `howdah tools | head` has read enough
  if (error.code !== 'EPIPE') interrupted ??= 1;
  leave.abort();
});
stderr.on('error', () => {});

const code = await runCli({ args: argv.slice(2), env, stdin, stdout, stderr, signal: leave.signal });
await new Promise((resolve) => stdout.write('', resolve));
exit(interrupted ?? code);
