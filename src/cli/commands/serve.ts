import { setFlagsFromString } from 'node:v8';
import { defineCommand } from '../command.ts';
import { takeHangups } from '../hangups.ts';

export const serve = defineCommand({
  name: 'serve',
  group: 'Connect',
  summary: 'Serve MCP over HTTP to callers with an API key',
  positionals: [],
  options: {},
  examples: [
    { line: 'howdah key create --role dba', does: 'a key, and its entry for the configuration' },
    { line: 'howdah serve -c howdah.yaml', does: 'until SIGTERM or Ctrl-C; then requests under way finish' },
    { line: 'kill -HUP <pid>', does: 'read personas and keys again; a file with a problem changes nothing' },
  ],
  notes: 'A second signal does not wait for requests. docs/http.md has the listener, docs/api-keys.md the keys.',
  runsUntilTold: true,
  run: async (shell) => {
    const hangups = takeHangups();
    keepHeapSmall();
    const { serve: run } = await import('../serve.ts');
    return run(shell, hangups);
  },
});

/**
 * Takes 25 MB less for good, in the serving as in the loading of the tools: calls leave little behind, and are over soon.
 * What outlives a small young generation all the same is garbage too: without a bound on its growth before it is
 * collected the heap takes 90 MB more under load.
 */
function keepHeapSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
  setFlagsFromString('--heap-growing-percent=30');
}
