import type { Principal } from '../contract/principal.ts';
import { PlatformError } from '../core/errors.ts';
import {
  canAnswer,
  missingCapabilities,
  parseResponse,
  type ClientCapabilities,
  type InputRequest,
  type InputRequests,
  type InputResponses,
} from './input-request.ts';
import { createOutstanding } from './outstanding.ts';
import type { CallRecord } from './record.ts';
import { createRequestStates } from './request-state.ts';

/** Bytes of JSON that are remembered of a question that was answered in part; more is asked for again. */
const MAX_ANSWERS_BYTES = 16_384;

/** What a surface read of a client that can be asked; nothing in it has been checked. */
export interface DialogueClient {
  readonly capabilities: ClientCapabilities;
  readonly inputResponses: unknown;
  readonly requestState: unknown;
}

/** How a running operation asks its client for more. */
export interface Dialogue {
  /** The answers to what the last call asked, all of them; undefined when nothing was asked yet. */
  readonly inputs: InputResponses | undefined;
  /** What the last call kept. */
  readonly state: unknown;
  /** Whether the client can be asked this. */
  readonly canAsk: (kind: InputRequest['kind']) => boolean;
  /**
   * Ends the run. The client repeats the call with its answers, as a call of its own that finds them in `inputs` and
   * what was kept in `state`; `kept` is a JSON value of at most 8 kB, which the client can read and not change.
   */
  readonly requestInput: (requests: InputRequests, kept?: unknown) => never;
}

/** The call that asks or answers. */
export interface DialogueCall {
  readonly callId: string;
  readonly principal: Principal;
  readonly operation: string;
  readonly input: unknown;
  /** Undefined for a client that cannot be asked. */
  readonly client: DialogueClient | undefined;
}

/** The questions of this process that wait for their answers. */
export interface Dialogues {
  /**
   * Fails with InvalidRequestState for a state that was not given for this very call or was used, and asks again while
   * an answer is missing or does not fit.
   */
  open(call: DialogueCall, record: CallRecord): Dialogue;
}

/** Ends a call whose operation needs an answer first. */
export class InputRequired extends PlatformError {
  readonly requests: InputRequests;
  readonly requestState: string;

  constructor(requests: InputRequests, requestState: string) {
    super('INPUT_REQUIRED', 'The operation needs an answer before it goes on.', {
      hint: 'Answer `inputRequests` and repeat the call with `inputResponses` and `requestState`.',
      details: { asks: Object.keys(requests) },
    });
    this.requests = requests;
    this.requestState = requestState;
  }
}

/** A `requestState` that is not to be believed: a fault of the request and not of the arguments. */
export class InvalidRequestState extends PlatformError {
  constructor() {
    super('INVALID_INPUT', 'The request state was not given for this call, was used already or is too old.', {
      hint: 'Repeat the call without `requestState` and `inputResponses`.',
    });
  }
}

/** The client was not said to be able to answer. */
export class MissingClientCapability extends PlatformError {
  readonly required: ClientCapabilities;

  constructor(required: ClientCapabilities) {
    super('UNSUPPORTED', 'The operation has to ask, and the client does not declare that it can answer.', {
      hint: 'Use a client that declares these capabilities.',
      details: { required_capabilities: required },
    });
    this.required = required;
  }
}

/** What is carried over to the next call. */
interface Known {
  readonly kept: unknown;
  readonly answers?: InputResponses;
}

export function createDialogues(now: () => number = performance.now.bind(performance)): Dialogues {
  const states = createRequestStates();
  const outstanding = createOutstanding(now);

  function ask(
    { callId, client, ...call }: DialogueCall,
    question: InputRequests,
    { kept, answers = {} }: Known,
  ): never {
    if (!client) throw cannotBeAsked();
    const missing = missingCapabilities(question, client.capabilities);
    if (missing) throw new MissingClientCapability(missing);
    const remembered = sizeOf(answers) <= MAX_ANSWERS_BYTES ? answers : {};
    const requestState = states.seal({ callId, kept }, bindingOf(call));
    outstanding.add(callId, { owner: ownerOf(call.principal), requests: question, answers: remembered });
    throw new InputRequired(unanswered(question, remembered), requestState);
  }

  return {
    open(call, record) {
      const { client } = call;
      const canAsk = (kind: InputRequest['kind']) => client !== undefined && canAnswer(kind, client.capabilities);
      const requestInput = (requests: InputRequests, kept?: unknown) => ask(call, requests, { kept });
      if (client?.requestState === undefined) return { canAsk, requestInput, inputs: undefined, state: undefined };

      const carried = states.open(client.requestState, bindingOf(call));
      const question = carried && outstanding.take(carried.callId);
      if (!question) throw new InvalidRequestState();
      record.resumed(carried.callId);
      const inputs = { ...question.answers, ...readAnswers(question.requests, client.inputResponses) };
      const missing = Object.keys(unanswered(question.requests, inputs));
      if (missing.length > 0) ask(call, question.requests, { kept: carried.kept, answers: inputs });
      return { canAsk, requestInput, inputs, state: carried.kept };
    },
  };
}

function ownerOf({ issuer, subject, client }: Principal): string {
  return JSON.stringify([issuer, subject, client]);
}

function bindingOf({ principal, operation, input }: Pick<DialogueCall, 'principal' | 'operation' | 'input'>): string {
  return JSON.stringify([ownerOf(principal), operation, input]);
}

function sizeOf(answers: InputResponses): number {
  return Buffer.byteLength(JSON.stringify(answers));
}

/** Only what was asked is looked at. */
function readAnswers(requests: InputRequests, given: unknown): InputResponses {
  if (typeof given !== 'object' || given === null) return {};
  const answers = Object.entries(requests).flatMap(([key, request]) => {
    const answer = Object.hasOwn(given, key) ? parseResponse(request, Reflect.get(given, key)) : undefined;
    return answer ? [[key, answer] as const] : [];
  });
  return Object.fromEntries(answers);
}

function unanswered(requests: InputRequests, answers: InputResponses): InputRequests {
  return Object.fromEntries(Object.entries(requests).filter(([key]) => !Object.hasOwn(answers, key)));
}

function cannotBeAsked(): PlatformError {
  return new PlatformError('UNSUPPORTED', 'The operation has to ask, and this caller cannot be asked.', {
    hint: 'Use a client of protocol version 2026-07-28 that declares elicitation.',
  });
}
