import type { AuditLog } from '../audit/event.ts';
import type { Principal } from '../contract/principal.ts';
import type { Scope } from '../contract/scope.ts';
import { startDeadline, type Deadline } from '../core/deadline.ts';
import { PlatformError, toPlatformError } from '../core/errors.ts';
import { uuidv7 } from '../core/ids.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { CompiledLimits, CompiledPersona, Policy } from '../policy/policy.ts';
import type { StatementTexts } from '../sqltext/statement-texts.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { CallersSql } from './callers-database.ts';
import type { Catalog } from './catalog.ts';
import type { CallContext, LogLevel } from './context.ts';
import type { DialogueClient, Dialogues } from './dialogue.ts';
import { parseInput } from './input.ts';
import { tooManyRows, type Limits } from './limits.ts';
import { findMeant } from './meant-operation.ts';
import type { Operation, Output } from './operation.ts';
import { checkPurpose, readPurpose } from './purpose.ts';
import { describeReach, findDestination, openDestination, type Destination } from './reach.ts';
import { createCallRecord, type CallRecord } from './record.ts';
import { requireScope } from './scope.ts';
import { watchForRevocation, type RunningCalls } from './running.ts';
import { cutRows, shapeOutput } from './shape.ts';

/** What every call stands on; made once, by the composition root. */
export interface CallDeps {
  readonly fleet: Fleet;
  readonly policy: Policy;
  /** Whether the policy is known to be the newest that there is; it is where this is left out. */
  readonly isCurrent?: (() => boolean) | undefined;
  readonly limits: Limits;
  readonly running: RunningCalls;
  readonly dialogues: Dialogues;
  readonly audit: AuditLog;
  readonly statementTexts: StatementTexts;
  /** Undefined where no caller may run SQL of their own. */
  readonly callersSql?: CallersSql | undefined;
  readonly logger: Logger;
  readonly metrics?: Pick<Metrics, 'called'> | undefined;
}

/** How a call came in. */
export interface CallOrigin {
  readonly transport: 'stdio' | 'cli' | 'http';
  readonly requestId?: string | undefined;
  readonly traceId?: string | undefined;
  readonly protocolVersion?: string | undefined;
  readonly clientName?: string | undefined;
  readonly clientVersion?: string | undefined;
  readonly sourceAddress?: string | undefined;
}

export interface CallRequest {
  /** The operations that this surface serves. */
  readonly catalog: Catalog;
  /** The name that the caller used: an operation's own or an alias. */
  readonly name: string;
  readonly arguments: unknown;
  /** What the surface found wrong with the text of the arguments, such as a key that is given twice. */
  readonly malformed?: string | undefined;
  readonly principal: Principal;
  /** What the credential is limited to; nothing limits one without. */
  readonly scopes?: readonly Scope[] | null | undefined;
  /** When the credential ends, in milliseconds since 1970; never where this is left out. */
  readonly expiresAtMs?: number | undefined;
  readonly origin: CallOrigin;
  /** Aborts when the caller leaves. */
  readonly signal: AbortSignal;
  readonly onProgress?: ((message: string, done: number, total?: number) => void) | undefined;
  readonly onLog?: ((level: LogLevel, message: string) => void) | undefined;
  /** Undefined for a client that cannot be asked anything. */
  readonly client?: DialogueClient | undefined;
}

export type CallOutcome =
  | { readonly ok: true; readonly callId: string; readonly operation: Operation; readonly output: Output }
  | { readonly ok: false; readonly callId: string; readonly error: PlatformError };

/** The only way to run an operation. Never rejects; what it returns is on record before it returns. */
export async function executeCall(request: CallRequest, deps: CallDeps): Promise<CallOutcome> {
  const callId = uuidv7();
  const record = createCallRecord(callId, request);
  let outcome: CallOutcome;
  try {
    outcome = await run(request, deps, record);
  } catch (error) {
    outcome = { ok: false, callId, error: toPlatformError(error) };
    record.failed(outcome.error);
    if (outcome.error.code === 'INTERNAL')
      deps.logger.error({ call_id: callId, err: error }, 'call failed inside Howdah');
  }
  const ended = record.ended();
  try {
    await deps.audit.record(ended);
  } catch (error) {
    deps.logger.error({ call_id: callId, err: error }, 'answer withheld: the audit log cannot be written');
    outcome = { ok: false, callId, error: toPlatformError(error) };
  }
  deps.metrics?.called(ended, outcome.ok ? 'OK' : outcome.error.code);
  return outcome;
}

async function run(request: CallRequest, deps: CallDeps, record: CallRecord): Promise<CallOutcome> {
  return perform(await admit(request, deps, record), { request, deps, record });
}

/** A call that may be made, with all that was decided about it. */
interface Admitted {
  readonly operation: Operation;
  /** The operations that it stands for with this input. */
  readonly actsAs: readonly Operation[];
  readonly persona: CompiledPersona;
  readonly input: CallContext['input'];
  readonly destination: Destination | undefined;
  /** When its rights were read. */
  readonly moment: ReturnType<RunningCalls['moment']>;
}

async function admit(request: CallRequest, deps: CallDeps, record: CallRecord): Promise<Admitted> {
  // 1. The rate, before anything is answered: what is refused costs a line in the log too.
  const called = request.catalog.get(request.name);
  if (called) record.found(called.operation);
  const moment = deps.running.moment();
  const chosen = deps.policy.personaFor(request.principal);
  if (chosen) record.chose(chosen, deps.policy.version);
  const rivals = chosen ? [] : deps.policy.contenders(request.principal);
  requireCurrent(deps);
  const counted = deps.limits.count(request.principal, chosen);
  if (counted) await counted;

  // 2. Which operation: the same answer for every caller. May this principal call it at all?
  const { operation, argumentNames, given, purpose } = findMeant(called, request, chosen);
  record.found(operation);
  record.stated(readPurpose(purpose));
  if (operation.isHidden === true) hideUnlessAllowed(operation, chosen, { request, record });
  const persona = chosen ?? refuseStranger(rivals, request.principal);
  // A protocol method shows each caller only what the operations behind it allow, below and in its own lists.
  if (operation.kind !== 'method') authorizeOperation(persona, operation, record);
  requireScope(request.scopes, operation, record);

  // 3. The arguments, parsed once; everything after sees this value only.
  if (request.malformed !== undefined) throw new PlatformError('INVALID_INPUT', request.malformed);
  if (operation.kind !== 'method') checkPurpose(purpose, persona);
  const input = parseInput(operation, given, argumentNames);
  record.parsed(input);

  // 4. May it be done with these arguments, and there?
  const actsAs = operation.actsAs?.(input).map((name) => request.catalog.find(name).operation) ?? [];
  for (const other of actsAs) {
    authorizeOperation(persona, other, record);
    requireScope(request.scopes, other, record);
  }
  const destination = operation.reaches === 'server' ? findDestination(deps.fleet, persona, input, record) : undefined;
  return { operation, actsAs, persona, input, destination, moment };
}

async function perform(
  { operation, actsAs, persona, input, destination, moment }: Admitted,
  { request, deps, record }: { readonly request: CallRequest; readonly deps: CallDeps; readonly record: CallRecord },
): Promise<CallOutcome> {
  // 5. A place among the caller's calls under way, and the clock.
  const { principal, client } = request;
  const { callId } = record;
  const place = deps.limits.occupy(principal, persona);
  const release = typeof place === 'function' ? place : await place;
  const deadline = startDeadline(timeoutOf(operation, persona, input), request.signal);
  const operations = operation.kind === 'method' ? actsAs : [operation, ...actsAs];
  const { data, dataGrants } = persona;
  const call = { principal, expiresAtMs: request.expiresAtMs, operations, destination, data, dataGrants };
  const revocation = watchForRevocation(call, deadline, (running) => deps.running.add(running, moment));
  const rows = countsRows(operation, persona) ? deps.limits : undefined;
  try {
    if (rows && (await rows.rowsLeft(principal, persona)) <= 0) throw tooManyRows(persona, Date.now());
    const dialogue = deps.dialogues.open({ callId, principal, operation: operation.name, input, client }, record);

    // 6. What may reveal rows or change Howdah is on record before it starts.
    if (operation.accessClass === 'query' || operation.accessClass === 'admin') {
      await deps.audit.record(record.begun());
    }

    // what was waited for took time, in which the caller may have left or lost the right
    revocation.check();
    requireCaller(request.signal, deadline);

    // 7. Run, and 8. shape the answer to what the persona may have.
    const progress = (message: string, done: number, total?: number) => request.onProgress?.(message, done, total);
    const { statementTexts, callersSql } = deps;
    const callers = { ...callersSql, transport: request.origin.transport };
    const target = destination && openDestination(destination, { persona, deadline, callId, input, callers });
    const answer = await operation.run({
      callId,
      principal,
      persona,
      input,
      target,
      deadline,
      statementTexts,
      servers: () => describeReach(deps.fleet, persona),
      willRun: (statement) => record.ran(statement),
      progress,
      log: (level, message) => (operation.logs === true ? request.onLog?.(level, message) : undefined),
      ...dialogue,
    });
    const whole = shapeOutput(answer, limitsOf(operation, persona));
    // two calls at once must not have the same rows of the day, so that they are taken and not looked at
    const shaped = rows ? cutRows(whole, await rows.spend(principal, persona, whole.rows ?? 0)) : whole;
    revocation.check();
    record.answered(shaped);
    return { ok: true, callId, operation, output: shaped.output };
  } catch (error) {
    // what it failed with may only be how it was ended
    revocation.check();
    throw error;
  } finally {
    revocation.forget();
    deadline.clear();
    release();
  }
}

/** Fails with CANCELLED for one who has left; a signal of the deadline is made for nobody else. */
function requireCaller(caller: AbortSignal, deadline: Deadline): void {
  if (caller.aborted) deadline.signal.throwIfAborted();
}

/** Whether rows of its answers are those of a day: the protocol must go on when they are used up. */
function countsRows({ kind, reaches }: Operation, { limits }: CompiledPersona): boolean {
  return limits.rowsPerDay !== Infinity && (kind !== 'method' || reaches === 'server');
}

/** What the protocol itself asks for must fit, or a narrow persona could not even list its tools. */
function limitsOf({ kind, reaches }: Operation, { limits }: CompiledPersona): CompiledLimits {
  if (kind !== 'method' || reaches !== 'nothing') return limits;
  return { ...limits, rows: Infinity, bytes: Infinity, outputTokens: Infinity };
}

function timeoutOf(operation: Operation, { limits }: CompiledPersona, input: CallContext['input']): number {
  return Math.min(limits.timeoutMs, operation.timeoutMs?.(input) ?? Infinity);
}

/** Rules that may be out of date must not decide. */
function requireCurrent({ isCurrent }: CallDeps): void {
  if (isCurrent === undefined || isCurrent()) return;
  throw new PlatformError('UNAVAILABLE', 'Whether the personas have changed cannot be seen now.', {
    hint: 'No call is answered until the store is back; no restart is needed then. The log of Howdah says what is wrong.',
  });
}

/** Whoever may not call it hears the same as of one that is not there. */
function hideUnlessAllowed(
  operation: Operation,
  persona: CompiledPersona | undefined,
  { request, record }: { readonly request: CallRequest; readonly record: CallRecord },
): void {
  const decision = persona?.operation(operation) ?? { allowed: false, rule: 'no persona is for the caller' };
  if (decision.allowed) return;
  record.decided(decision);
  throw request.catalog.unknown(request.name);
}

function refuseStranger(rivals: readonly string[], principal: Principal): never {
  if (rivals.length > 1) {
    throw new PlatformError('FORBIDDEN', `Your roles choose several personas: ${rivals.join(', ')}.`, {
      hint: 'An administrator can give one of them a higher `priority`.',
      details: { personas: rivals },
    });
  }
  throw new PlatformError('FORBIDDEN', 'No persona is for any of your roles.', {
    hint: 'An administrator can name one of your roles under `roles` of a persona.',
    details: { roles: principal.roles },
  });
}

function authorizeOperation(persona: CompiledPersona, operation: Operation, record: CallRecord): void {
  const decision = persona.operation(operation);
  record.decided(decision);
  if (decision.allowed) return;
  throw new PlatformError('FORBIDDEN', `The persona "${persona.name}" may not call "${operation.name}".`, {
    hint: 'An administrator can allow it under `tools` of the persona.',
    details: { persona: persona.name, rule: decision.rule },
  });
}
