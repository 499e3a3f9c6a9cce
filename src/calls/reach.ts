import { PlatformError } from '../core/errors.ts';
import { nearest } from '../core/nearest.ts';
import type { Fleet, FleetServer } from '../fleet/fleet.ts';
import type { CompiledPersona, Decision } from '../policy/policy.ts';
import { openCallersDatabase, type CallersParts } from './callers-database.ts';
import type { CallContext, ReachableServers, ReachedDatabase } from './context.ts';
import { createWithheld, reachSession } from './reached-session.ts';
import type { CallRecord } from './record.ts';

/** Diagnostics wait this long for a lock: long enough for a passing one, short enough for an incident. */
const LOCK_TIMEOUT_MS = 300;

/** Where a call goes, authorised but not contacted yet. */
export interface Destination {
  readonly server: FleetServer;
  readonly database: string;
}

/** What the log is told of the way to a destination. */
type Recorded = Pick<CallRecord, 'reached' | 'decided'>;

/** Finds the server and database that a call names or leaves out, and authorises both. */
export function findDestination(
  fleet: Fleet,
  persona: CompiledPersona,
  input: { readonly server?: unknown; readonly database?: unknown },
  record: Recorded,
): Destination {
  const server = chooseServer(fleet, persona, input.server, record);
  const named = typeof input.database === 'string' ? input.database : undefined;
  const database = named ?? server.defaultDatabase;
  record.reached(server.name, database);
  const decision = server.offers(database) ? persona.database(server.name, database) : undefined;
  if (decision) record.decided(decision);
  if (decision?.allowed) return { server, database };
  const what = named === undefined ? 'default database' : `database "${named}"`;
  throw new PlatformError('FORBIDDEN', `The ${what} of server "${server.name}" is not open to you.`, {
    hint: 'An administrator can open it under `databases` of the server and of the persona.',
    details: { persona: persona.name, rule: decision?.rule ?? `servers.${server.name}.databases` },
  });
}

/** Gives a call its way to its destination, with the deadline and the name of the call on every transaction. */
export function openDestination(
  { server, database }: Destination,
  call: Pick<CallContext, 'persona' | 'deadline' | 'callId' | 'input'> & { readonly callers: CallersParts },
): ReachedDatabase {
  const { persona, deadline, callId, input } = call;
  const { data } = persona;
  const withheld = createWithheld(data !== undefined, input);
  return {
    within: (other) => openDestination({ server, database }, { ...call, deadline: other }),
    callers: openCallersDatabase({ server, database }, call),
    persona: persona.name,
    withheld,
    server,
    database,
    mayShow: (name) => server.offers(name) && persona.database(server.name, name).allowed,
    readOnly: (work, options) =>
      server.database(database).readOnly(
        {
          deadline,
          applicationName: `howdah ${callId}`,
          isolation: options?.snapshot === true ? 'repeatable read' : 'read committed',
          lockTimeoutMs: LOCK_TIMEOUT_MS,
          single: options?.single === true && data === undefined,
        },
        async (session) => work(await reachSession(session, { rules: data, withheld, readHidden: options?.hidden })),
      ),
    poolers: server.poolers.map(({ name, address, isOnTheWay, console }) => ({
      name,
      address,
      isOnTheWay,
      read: (work) => console.read(deadline, work),
    })),
  };
}

/** The servers that a persona may reach; nobody is told of the others. */
export function reachableServers(fleet: Fleet, persona: CompiledPersona): readonly FleetServer[] {
  return fleet.servers.filter(({ name }) => persona.server(name).allowed);
}

/** The address of a server, without its database where the persona may not know that. */
export function addressFor(persona: CompiledPersona, server: FleetServer): string {
  const { name, address, defaultDatabase } = server;
  const isOpen = server.offers(defaultDatabase) && persona.database(name, defaultDatabase).allowed;
  return isOpen ? address : address.slice(0, -`/${defaultDatabase}`.length);
}

/** With the one that stands in where a call names none. */
export function describeReach(fleet: Fleet, persona: CompiledPersona): ReachableServers {
  const all = reachableServers(fleet, persona);
  const addressOf = (server: FleetServer) => addressFor(persona, server);
  return {
    all,
    addressOf,
    byDefault: all.length === 1 ? all[0] : all.find(({ name }) => name === fleet.defaultServer),
  };
}

function chooseServer(fleet: Fleet, persona: CompiledPersona, named: unknown, record: Recorded): FleetServer {
  const { all: reachable, byDefault } = describeReach(fleet, persona);
  if (typeof named !== 'string') return byDefault ?? refuseUnnamed(fleet, reachable);
  const decision = persona.server(named);
  const server = fleet.server(named);
  if (server && decision.allowed) return server;
  if (server) denied(named, persona, decision, record);
  const names = reachable.map(({ name }) => name);
  const near = nearest(named, names);
  throw new PlatformError('NOT_FOUND', `No server is named ${JSON.stringify(named.slice(0, 100))}.`, {
    hint: near === undefined ? listed(names) : `Did you mean "${near}"? ${listed(names)}`,
  });
}

function denied(name: string, persona: CompiledPersona, decision: Decision, record: Recorded): never {
  record.decided(decision);
  throw new PlatformError('FORBIDDEN', `The persona "${persona.name}" may not reach the server "${name}".`, {
    hint: 'An administrator can allow it under `servers` of the persona.',
    details: { persona: persona.name, rule: decision.rule },
  });
}

function refuseUnnamed(fleet: Fleet, reachable: readonly FleetServer[]): never {
  if (fleet.servers.length === 0) {
    throw new PlatformError('NOT_FOUND', 'No PostgreSQL server is configured.', {
      hint: 'Set DATABASE_URL to a connection URL such as postgresql://monitor@db.example.org/shop, or write a configuration file.',
    });
  }
  throw new PlatformError('INVALID_INPUT', 'The argument "server" is needed, since there are several.', {
    hint: listed(reachable.map(({ name }) => name)),
  });
}

function listed(names: readonly string[]): string {
  return names.length === 0 ? 'You may reach no server.' : `Servers: ${names.slice(0, 50).join(', ')}.`;
}
