import { localPrincipal } from '../identity/local-principal.ts';
import { serveStdioSession } from '../mcp/stdio.ts';
import { withHowdah } from './local-howdah.ts';
import { osUser } from './os-user.ts';
import type { Shell } from './shell.ts';
import { readVersion } from './version.ts';

/** Serves until the client leaves or the process is told to end. */
export async function serveStdio(shell: Shell): Promise<number> {
  const { stdin, stdout, signal, screen } = shell;
  if (stdin.isTTY === true)
    screen.note('Waiting for an MCP client on standard input; howdah connect shows how to set one up.');
  return withHowdah(shell, {}, async ({ platform: { catalog, deps, config } }) => {
    const principal = localPrincipal(config.stdio.persona, osUser());
    const session = serveStdioSession({ stdin, stdout, catalog, deps, principal, version: readVersion() });
    signal.addEventListener('abort', () => void session.close(), { once: true });
    if (signal.aborted) await session.close();
    await session.closed;
    return 0;
  });
}
