import type { Principal } from '../contract/principal.ts';
import type { Deadline } from '../core/deadline.ts';
import { PlatformError } from '../core/errors.ts';
import type { CompiledPersona, DataGrants, DataRules, Decision, Policy } from '../policy/policy.ts';
import type { Operation } from './operation.ts';
import type { Destination } from './reach.ts';

/** A call that is under way, as far as rights to it go. */
export interface RunningCall {
  readonly principal: Principal;
  /** When its credential ends, in milliseconds since 1970; never where this is left out. */
  readonly expiresAtMs?: number | undefined;
  /** What it runs and what that stands for; a method of the protocol itself is not among them. */
  readonly operations: readonly Operation[];
  readonly destination: Destination | undefined;
  /** By which it shows what it finds there. */
  readonly data: DataRules | undefined;
  /** By which it uses more than is open otherwise. */
  readonly dataGrants: Pick<DataGrants, 'canonical'>;
  /** Ends it; its caller hears the error. */
  readonly end: (error: PlatformError) => void;
}

/** How many reviews there have been. */
type Moment = number;

/** The calls of this process that are under way. */
export interface RunningCalls {
  /** To be taken when the rights of a call are read, and given back when it is added. */
  moment(): Moment;
  /** Ends the call at once if a review that came since would have ended it; what it gives takes the call off again. */
  add(call: RunningCall, since: Moment): () => void;
  /**
   * Ends those that the policy allows no more; `renew` gives whom a caller is taken for now, undefined for one who is
   * not let in any more. Gives how many it ended.
   */
  review(policy: Policy, renew: (principal: Principal) => Principal | undefined): number;
}

export function createRunningCalls(): RunningCalls {
  const calls = new Set<RunningCall>();
  let reviews = 0;
  let endIfRevoked: ((call: RunningCall) => boolean) | undefined;

  return {
    moment: () => reviews,
    add(call, since) {
      calls.add(call);
      if (since !== reviews) endIfRevoked?.(call);
      return () => void calls.delete(call);
    },
    review(policy, renew) {
      reviews += 1;
      endIfRevoked = (call) => {
        const principal = renew(call.principal);
        const persona = principal && policy.personaFor(principal);
        const refusal = findRefusal(call, persona);
        if (refusal !== undefined) call.end(revoked(refusal, policy.version, persona));
        return refusal !== undefined;
      };
      return [...calls].filter(endIfRevoked).length;
    },
  };
}

/** Lets whoever takes rights away end the call; an answer that is there by then is withheld. */
export function watchForRevocation(
  call: Omit<RunningCall, 'end'>,
  deadline: Deadline,
  add: (call: RunningCall) => () => void,
): { readonly check: () => void; readonly forget: () => void } {
  let reason: PlatformError | undefined;
  const end = (error: PlatformError) => {
    reason ??= error;
    deadline.end(error);
  };
  const leftMs = (call.expiresAtMs ?? Infinity) - Date.now();
  // the deadline comes first where the credential lasts
  const expiry = leftMs <= deadline.remainingMs() ? setTimeout(() => end(expired()), leftMs).unref() : undefined;
  const remove = add({ ...call, end });
  return {
    forget() {
      clearTimeout(expiry);
      remove();
    },
    check() {
      if (reason) throw reason;
    },
  };
}

/** The rule that refuses the call now; undefined if none does. */
function findRefusal(
  { operations, destination, data, dataGrants }: RunningCall,
  persona: CompiledPersona | undefined,
): string | undefined {
  if (!persona) return 'no persona is for the caller any more';
  const decisions: Decision[] = operations.map((operation) => persona.operation(operation));
  if (destination) decisions.push(persona.database(destination.server.name, destination.database));
  const refusal = decisions.find(({ allowed }) => !allowed);
  if (refusal || !destination) return refusal?.rule;
  const isSame = persona.data?.canonical === data?.canonical && persona.dataGrants.canonical === dataGrants.canonical;
  if (isSame) return undefined;
  return `personas.${persona.name}.data is not what it was when the call began`;
}

function expired(): PlatformError {
  return new PlatformError('UNAUTHENTICATED', 'The credential of the call ended while it was under way.', {
    hint: 'Call again with a new one.',
  });
}

function revoked(rule: string, policyVersion: string, persona: CompiledPersona | undefined): PlatformError {
  return new PlatformError('FORBIDDEN', 'The right to make this call was taken away while it was under way.', {
    hint: 'An administrator changed the personas or the keys, or a grant has ended; see what you may call now.',
    details: { persona: persona?.name ?? null, rule, revoked_by: policyVersion },
  });
}
