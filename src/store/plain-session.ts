import { openSession, type Greeting } from '../postgres/connect.ts';
import type { ConnectionTarget } from '../postgres/target.ts';
import type { Wire } from '../postgres/wire.ts';

export const CONNECT_LIMIT_MS = 10_000;

const PLAIN: Greeting<undefined> = { learn: () => Promise.resolve(undefined), whyUnfit: () => undefined };

/** A session as the server gives it, to prepare what the store needs; whoever opens it ends it. */
export async function openPlainSession(target: ConnectionTarget): Promise<Wire> {
  const { wire } = await openSession(target, PLAIN, AbortSignal.timeout(CONNECT_LIMIT_MS));
  return wire;
}
