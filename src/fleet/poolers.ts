import { startDeadline } from '../core/deadline.ts';
import { PlatformError } from '../core/errors.ts';
import type { Console } from '../postgres/console.ts';
import { describeTarget, type ConnectionTarget, type HostAddress } from '../postgres/target.ts';
import type { FleetPooler } from './fleet.ts';
import { nameRuntime } from './pools.ts';

/** A PgBouncer as the configuration has it. */
export interface PoolerSpec {
  readonly name: string;
  /** Of its admin console. */
  readonly target: ConnectionTarget;
}

/** So much of the time of a call: what it knows of others must still be told when one is silent. */
const SHARE = 0.8;

/** `serverHosts` are those of the server that it stands before. */
export function openPooler(
  { name, target }: PoolerSpec,
  serverHosts: readonly HostAddress[],
): { pooler: FleetPooler; close: () => Promise<void> } {
  let health: ReturnType<FleetPooler['health']> = { state: 'unknown', at: null, problem: null, version: null };
  // the driver is loaded when it is needed, as for servers
  let opening: Promise<OpenedConsole> | undefined;
  const open = () => (opening ??= load(target));

  const console: Console = {
    read: async (deadline, work) => {
      const limitMs = Math.round(deadline.remainingMs() * SHARE);
      const turn = startDeadline(limitMs, deadline.signal);
      try {
        const opened = await open();
        return await opened.read(turn, (session) => {
          health = { state: 'reachable', at: new Date(), problem: null, version: session.version };
          return work(session);
        });
      } catch (error) {
        const failure = isTimeout(error) ? silent(target, limitMs) : error;
        if (failure instanceof PlatformError && failure.code === 'SERVER_UNREACHABLE') {
          health = { ...health, state: 'unreachable', at: new Date(), problem: failure.message };
        }
        throw failure;
      } finally {
        turn.clear();
      }
    },
  };

  return {
    pooler: {
      name,
      address: describeTarget(target),
      isOnTheWay: target.hosts.some((host) => serverHosts.some((other) => isSame(host, other))),
      console,
      health: () => health,
    },
    close: async () => (await opening)?.close(),
  };
}

type OpenedConsole = Awaited<ReturnType<typeof load>>;

async function load(target: ConnectionTarget) {
  nameRuntime();
  const { openConsole } = await import('../postgres/console-connection.ts');
  return openConsole(target);
}

function isTimeout(error: unknown): boolean {
  return error instanceof PlatformError && error.code === 'TIMEOUT';
}

function silent(target: ConnectionTarget, afterMs: number): PlatformError {
  return new PlatformError('SERVER_UNREACHABLE', `${describeTarget(target)} did not answer within ${afterMs} ms.`, {
    hint: 'Check whether PgBouncer hangs, as a stopped process does, and address, routes and firewalls.',
  });
}

function isSame(a: HostAddress, b: HostAddress): boolean {
  return a.host === b.host && a.port === b.port;
}
