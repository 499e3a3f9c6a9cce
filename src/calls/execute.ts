import type { AuditLog } from '../audit/event.ts';
import type { Principal } from '../contract/principal.ts';
import { startDeadline } from '../core/deadline.ts';
import { PlatformError, toPlatformError } from '../core/errors.ts';
import { uuidv7 } from '../core/ids.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { CompiledLimits, CompiledPersona, Policy } from '../policy/policy.ts';
import type { StatementTexts } from '../sqltext/statement-texts.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { Catalog, Entry } from './catalog.ts';
import type { CallContext, LogLevel } from './context.ts';
import type { DialogueClient, Dialogues } from './dialogue.ts';
import { parseInput } from './input.ts';
import type { Limits } from './limits.ts';
import type { Operation, Output } from './operation.ts';
import { describeReach, findDestination, openDestination } from './reach.ts';
import { createCallRecord, type CallRecord } from './record.ts';
import { shapeOutput } from './shape.ts';

/** What every call stands on; made once, by the composition root. */
export interface CallDeps {
  readonly fleet: Fleet;
  readonly policy: Policy;
  readonly limits: Limits;
  readonly dialogues: Dialogues;
  readonly audit: AuditLog;
  readonly statementTexts: StatementTexts;
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
  // 1. The rate, before anything is answered: what is refused costs a line in the log too.
  const called = request.catalog.get(request.name);
  if (called) record.found(called.operation);
  const chosen = deps.policy.personaFor(request.principal);
  if (chosen) record.chose(chosen, deps.policy.version);
  deps.limits.count(request.principal, chosen);

  // 2. Which operation: the same answer for every caller. May this principal call it at all?
  const { operation, argumentNames, given } = follow(called, request);
  record.found(operation);
  const persona = chosen ?? refuseStranger(deps.policy, request.principal);
  // A protocol method shows each caller only what the operations behind it allow, below and in its own lists.
  if (operation.kind !== 'method') authorizeOperation(persona, operation, record);

  // 3. The arguments, parsed once; everything after sees this value only.
  if (request.malformed !== undefined) throw new PlatformError('INVALID_INPUT', request.malformed);
  const input = parseInput(operation, given, argumentNames);
  record.parsed(input);

  // 4. May it be done with these arguments, and there?
  for (const name of operation.actsAs?.(input) ?? []) {
    authorizeOperation(persona, request.catalog.find(name).operation, record);
  }
  const destination = operation.reaches === 'server' ? findDestination(deps.fleet, persona, input, record) : undefined;

  // 5. A place among the caller's calls under way, and the clock.
  const release = deps.limits.occupy(request.principal, persona);
  const deadline = startDeadline(timeoutOf(operation, persona, input), request.signal);
  try {
    const { callId } = record;
    const { principal, client } = request;
    const dialogue = deps.dialogues.open({ callId, principal, operation: operation.name, input, client }, record);

    // 6. What may reveal rows or change Howdah is on record before it starts.
    if (operation.accessClass === 'query' || operation.accessClass === 'admin') {
      await deps.audit.record(record.begun());
    }

    // 7. Run, and 8. shape the answer to what the persona may have.
    const progress = (message: string, done: number, total?: number) => request.onProgress?.(message, done, total);
    const target = destination && openDestination(destination, { persona, deadline, callId });
    const { statementTexts } = deps;
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
    const shaped = shapeOutput(answer, limitsOf(operation, persona));
    record.answered(shaped);
    return { ok: true, callId, operation, output: shaped.output };
  } finally {
    deadline.clear();
    release();
  }
}

/** What the protocol itself asks for must fit, or a narrow persona could not even list its tools. */
function limitsOf({ kind, reaches }: Operation, { limits }: CompiledPersona): CompiledLimits {
  return kind === 'method' && reaches === 'nothing' ? { ...limits, rows: Infinity, bytes: Infinity } : limits;
}

/** The operation that is meant: by its own name, by an alias, or by one that stands for it. Fails with NOT_FOUND. */
function follow(
  called: Entry | undefined,
  { catalog, name, arguments: given }: CallRequest,
): Entry & { given: unknown } {
  const forwarded = called?.operation.forward?.(given);
  if (!forwarded) return { ...(called ?? catalog.find(name)), given };
  const meant = catalog.find(forwarded.name);
  const { kind, accessClass, forward } = meant.operation;
  if (kind === 'tool' && accessClass === 'diagnostic' && !forward) return { ...meant, given: forwarded.arguments };
  throw new PlatformError('NOT_FOUND', `${JSON.stringify(forwarded.name)} is no diagnostic.`, {
    hint: `Call it by itself, if it is in the list of tools.`,
  });
}

function timeoutOf(operation: Operation, { limits }: CompiledPersona, input: CallContext['input']): number {
  return Math.min(limits.timeoutMs, operation.timeoutMs?.(input) ?? Infinity);
}

function refuseStranger(policy: Policy, principal: Principal): never {
  const rivals = policy.contenders(principal);
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
