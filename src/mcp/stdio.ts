import { serveStdio } from '@modelcontextprotocol/server/stdio';
import type { Writable } from 'node:stream';
import type { Catalog } from '../calls/catalog.ts';
import { executeCall, type CallDeps, type CallOutcome, type CallRequest } from '../calls/execute.ts';
import { reachableServers } from '../calls/reach.ts';
import type { Principal } from '../contract/principal.ts';
import { createAnswerer } from './answer.ts';
import { contactServers } from './first-contact.ts';
import { capabilitiesOf } from './identity.ts';
import { createMcpServer } from './server.ts';
import { createStrictStdio, type Streams } from './strict-stdio.ts';

/** Calls that were cancelled at the end have this long to be recorded, and answers that were written to be read. */
const LAST_RECORDS_MS = 3000;
/** Of `subscriptions/listen`: one would do, and each stays under way as long as the client does. */
const MAX_SUBSCRIPTIONS = 16;
/** The answer to the opening goes first: connecting loads the driver, which takes as long as all the rest. */
const FIRST_CONTACT_DELAY_MS = 50;

export interface StdioSessionParts extends Streams {
  /** Every operation, the protocol's methods among them. */
  readonly catalog: Catalog;
  readonly deps: CallDeps;
  readonly principal: Principal;
  /** Of Howdah. */
  readonly version: string;
}

export interface StdioSession {
  /** Resolves when the client has gone or `close` was called, and every call is over and on record; in 5 s at most. */
  readonly closed: Promise<void>;
  /** Cancels what runs. */
  close(): Promise<void>;
}

/** Serves one client over the streams of this process until either side ends it. */
export function serveStdioSession({ catalog, deps, principal, version, ...streams }: StdioSessionParts): StdioSession {
  const transport = createStrictStdio(streams, deps.logger);
  const ending = new AbortController();
  const underWay = new Set<Promise<unknown>>();

  function track<T>(work: Promise<T>): Promise<T> {
    const tracked = work.finally(() => underWay.delete(tracked));
    underWay.add(tracked);
    return tracked;
  }

  function contact(): void {
    const persona = deps.policy.personaFor(principal);
    if (persona && !ending.signal.aborted)
      void track(contactServers(reachableServers(deps.fleet, persona), ending.signal));
  }

  let opened = false;
  const onOpened = () => {
    if (opened) return;
    opened = true;
    setTimeout(contact, FIRST_CONTACT_DELAY_MS).unref();
  };

  const call = (request: CallRequest): Promise<CallOutcome> => track(executeCall(request, deps));
  const answer = createAnswerer({ catalog, call });
  const capabilities = capabilitiesOf(catalog);
  const served = { version, capabilities, principal, answer, onOpened };
  const handle = serveStdio(({ era }) => createMcpServer({ ...served, era }), {
    transport,
    maxSubscriptions: MAX_SUBSCRIPTIONS,
    onerror: (error) => deps.logger.debug({ err: error }, 'the protocol library reports'),
  });

  async function end(): Promise<void> {
    await transport.closed;
    ending.abort();
    await settledWithin(LAST_RECORDS_MS, async () => {
      await Promise.allSettled(underWay);
      await flush(streams.stdout);
    });
  }

  const closed = end();
  return {
    closed,
    close: async () => {
      await handle.close();
      await closed;
    },
  };
}

/** Waits no longer than that, and then keeps no process alive. */
async function settledWithin(ms: number, work: () => Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work(), timeout]);
  clearTimeout(timer);
}

async function flush(stdout: Writable): Promise<void> {
  if (stdout.destroyed || stdout.writableEnded) return;
  await new Promise<void>((resolve) => {
    stdout.write('', () => resolve());
  });
}
