import { PlatformError } from '../core/errors.ts';
import { authenticate } from './authenticate.ts';
import { toConnectError } from './connect-errors.ts';
import type { ConnectionFacts } from './database.ts';
import { dial, TlsFailure, type Endpoint } from './dial.ts';
import { describeHost } from './errors.ts';
import { readServerFacts, type ServerFacts } from './server-facts.ts';
import type { ConnectionTarget, HostAddress, TargetSessionAttrs } from './target.ts';
import type { TlsChoice } from './tls.ts';
import { Wire } from './wire.ts';

/** An open session and what was learnt when it was opened. */
export interface OpenConnection {
  readonly wire: Wire;
  /** `inRecovery` is as of the last transaction. */
  facts: ConnectionFacts;
  /** Of the server process itself; behind a pooler the cancel key has another. */
  readonly backendPid: number;
}

/** One message of the server, such as a row, is never longer; a longer one is not read. */
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;
const MAX_RESULT_BYTES = 64 * 1024 * 1024;

/** How a session begins with one kind of server. */
export interface Greeting<Learnt> {
  /** Before anyone uses the session. */
  learn(wire: Wire): Promise<Learnt>;
  whyUnfit(wanted: TargetSessionAttrs, learnt: Learnt): string | undefined;
  /** Says of a failure what to do about it with this kind of server; `cause` is what `problem` was made of. */
  explain?(problem: PlatformError, cause: unknown): PlatformError;
}

const POSTGRES: Greeting<ServerFacts> = { learn: readServerFacts, whyUnfit };

/**
 * Connects to the first host that fits, as libpq does. Rejects with the signal's reason or with a PlatformError that
 * names each host and what is wrong with it.
 */
export async function openConnection(target: ConnectionTarget, signal: AbortSignal): Promise<OpenConnection> {
  const { wire, learnt } = await openSession(target, POSTGRES, signal);
  return { wire, facts: learnt.connection, backendPid: learnt.backendPid };
}

/** The same with what else speaks PostgreSQL's protocol. */
export async function openSession<Learnt>(
  target: ConnectionTarget,
  greeting: Greeting<Learnt>,
  signal: AbortSignal,
): Promise<{ wire: Wire; learnt: Learnt }> {
  requireNames(target);
  const problems: PlatformError[] = [];
  for (const { host, wanted } of candidates(target)) {
    const attempt = { host, user: target.user, timeoutMs: target.connectTimeoutMs };
    try {
      const session = await openHost(target, { host, greeting }, signal);
      const unfit = greeting.whyUnfit(wanted, session.learnt);
      if (unfit === undefined) return session;
      void session.wire.end();
      problems.push(unsuitable(host, unfit));
    } catch (error) {
      signal.throwIfAborted();
      const told = toConnectError(error, attempt);
      const problem = greeting.explain?.(told, error) ?? told;
      if (isFinal(problem)) throw problem;
      problems.push(problem);
    }
  }
  throw joinProblems(problems);
}

/** In the startup packet NUL ends a name, and what follows would be taken for other parameters, such as another database. */
function requireNames({ user, database }: ConnectionTarget): void {
  if (!user.includes('\0') && !database.includes('\0')) return;
  throw new PlatformError('NOT_FOUND', 'The name of the database or of the user holds NUL (U+0000).', {
    hint: 'No name in PostgreSQL can hold it: leave it out.',
  });
}

interface Candidate {
  readonly host: HostAddress;
  readonly wanted: TargetSessionAttrs;
}

/** https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNECT-TARGET-SESSION-ATTRS */
function candidates({ hosts, loadBalance, targetSessionAttrs }: ConnectionTarget): Candidate[] {
  const ordered = loadBalance ? shuffle(hosts) : hosts;
  const passes: TargetSessionAttrs[] =
    targetSessionAttrs === 'prefer-standby' ? ['standby', 'any'] : [targetSessionAttrs];
  return passes.flatMap((wanted) => ordered.map((host) => ({ host, wanted })));
}

function shuffle<T>(values: readonly T[]): T[] {
  return values
    .map((value) => ({ value, at: Math.random() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ value }) => value);
}

async function openHost<Learnt>(
  target: ConnectionTarget,
  { host, greeting }: { readonly host: HostAddress; readonly greeting: Greeting<Learnt> },
  signal: AbortSignal,
): Promise<{ wire: Wire; learnt: Learnt }> {
  const choice = await target.tls(host);
  const within = AbortSignal.any([signal, AbortSignal.timeout(target.connectTimeoutMs)]);
  const wire = await openWire(target, { host, choice, signal: within });
  const abandon = () => wire.destroy(within.reason);
  within.addEventListener('abort', abandon, { once: true });
  try {
    return { wire, learnt: await greeting.learn(wire) };
  } catch (error) {
    wire.destroy();
    throw error;
  } finally {
    within.removeEventListener('abort', abandon);
  }
}

interface WirePlan {
  readonly host: HostAddress;
  readonly choice: TlsChoice;
  readonly signal: AbortSignal;
}

/** `allow` and `prefer` try the other way too, when it may be the encryption that the server does not want. */
async function openWire(target: ConnectionTarget, { host, choice, signal }: WirePlan): Promise<Wire> {
  const [first, second] = TLS_ATTEMPTS[choice.mode];
  const attempt = (encrypted: boolean) =>
    startSession(target, { ...host, tls: encrypted ? choice : undefined }, signal);
  try {
    return await attempt(first);
  } catch (error) {
    if (second === undefined || !isAboutEncryption(error)) throw error;
    return attempt(second);
  }
}

const TLS_ATTEMPTS: Readonly<Record<TlsChoice['mode'], readonly [encrypted: boolean, otherwise?: boolean]>> = {
  disable: [false],
  allow: [false, true],
  prefer: [true, false],
  require: [true],
  'verify-ca': [true],
  'verify-full': [true],
};

/** 28000: no line of pg_hba.conf fits. A refused password (28P01) is not offered a second time, in the clear at that. */
function isAboutEncryption(error: unknown): boolean {
  return error instanceof TlsFailure || (error instanceof Error && 'code' in error && error.code === '28000');
}

async function startSession(target: ConnectionTarget, endpoint: Endpoint, signal: AbortSignal): Promise<Wire> {
  const socket = await dial(endpoint, signal);
  const login = {
    user: target.user,
    database: target.database,
    password: async () => (await target.password(endpoint)) ?? missingPassword(endpoint, target.user),
    channelBinding: endpoint.tls !== undefined,
    maxMessageBytes: MAX_MESSAGE_BYTES,
  };
  const reached = { ...endpoint, address: socket.remoteAddress };
  return new Wire(await authenticate(socket, login, signal), {
    endpoint: reached,
    named: target.pooling === 'session' && target.unnamed !== true,
    maxResultBytes: MAX_RESULT_BYTES,
  });
}

function missingPassword(host: HostAddress, user: string): never {
  throw new PlatformError(
    'SERVER_UNREACHABLE',
    `${describeHost(host)} asks for a password, and none is known for user "${user}".`,
    {
      hint: 'Give one in the connection URL, PGPASSWORD, ~/.pgpass, or `password` in the configuration.',
    },
  );
}

/** As in libpq, a host that was reached and refuses the login ends the search; what the caller configured wrongly does too. */
function isFinal({ code, details }: PlatformError): boolean {
  const sqlstate = details?.['sqlstate'];
  return code !== 'SERVER_UNREACHABLE' || (typeof sqlstate === 'string' && sqlstate.startsWith('28'));
}

function whyUnfit(wanted: TargetSessionAttrs, { connection, readOnlyByDefault }: ServerFacts): string | undefined {
  const readOnly = connection.inRecovery || readOnlyByDefault;
  if (wanted === 'primary' && connection.inRecovery) return 'is a standby';
  if (wanted === 'standby' && !connection.inRecovery) return 'is no standby';
  if (wanted === 'read-write' && readOnly) return 'is read-only';
  if (wanted === 'read-only' && !readOnly) return 'is not read-only';
  return undefined;
}

function unsuitable(host: HostAddress, problem: string): PlatformError {
  return new PlatformError('SERVER_UNREACHABLE', `${describeHost(host)} ${problem}.`, {
    hint: 'target_session_attrs of the connection says which servers do.',
  });
}

function joinProblems(problems: readonly PlatformError[]): PlatformError {
  const [first, ...others] = problems;
  if (first !== undefined && others.length === 0) return first;
  return new PlatformError(
    'SERVER_UNREACHABLE',
    `None of the hosts can be used: ${problems.map(({ message }) => message).join(' ')}`,
    {
      hint: first?.hint,
      details: first?.details,
      cause: problems,
    },
  );
}
