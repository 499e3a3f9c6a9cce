import { startDeadline } from '../core/deadline.ts';
import type { FleetServer } from '../fleet/fleet.ts';

const TIMEOUT_MS = 10_000;
/** A large fleet is not stormed at every start of a client. */
const SERVERS_CONTACTED = 8;

/** Connects once to each server that nobody has tried yet, so that its health is known and a connection is warm. */
export async function contactServers(servers: readonly FleetServer[], signal: AbortSignal): Promise<void> {
  const untried = servers.filter((server) => server.health().state === 'unknown').slice(0, SERVERS_CONTACTED);
  await Promise.all(untried.map((server) => contact(server, signal)));
}

async function contact(server: FleetServer, signal: AbortSignal): Promise<void> {
  const deadline = startDeadline(TIMEOUT_MS, signal);
  try {
    await server
      .database(server.defaultDatabase)
      .readOnly({ deadline, applicationName: 'howdah', isolation: 'read committed', lockTimeoutMs: TIMEOUT_MS }, () =>
        Promise.resolve(),
      );
  } catch {
    // the server's health has the reason
  } finally {
    deadline.clear();
  }
}
