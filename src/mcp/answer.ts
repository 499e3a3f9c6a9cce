import {
  CLIENT_CAPABILITIES_META_KEY,
  ProtocolError,
  ProtocolErrorCode,
  type ProtocolEra,
  type Result,
} from '@modelcontextprotocol/server';
import { createCatalog, type Catalog } from '../calls/catalog.ts';
import { InputRequired, type DialogueClient } from '../calls/dialogue.ts';
import type { CallOutcome, CallRequest } from '../calls/execute.ts';
import { InsufficientScope } from '../calls/scope.ts';
import { isRecord } from '../core/record.ts';
import { toToolResult } from './call-tool.ts';
import { toInputRequired } from './input-required.ts';
import { COMPLETE_METHOD, NO_COMPLETION } from './methods/completion.ts';
import { CALL_ID_META_KEY, toProtocolError } from './protocol-error.ts';
import { createRouter } from './route.ts';

/**
 * How long an answer is good, of the methods whose answers must say it. Lists change with the rules of a persona: a
 * client that did not ask to be told asks again. How servers are, and what is in a table, is told as of now.
 */
const TTL_MS: ReadonlyMap<string, number> = new Map([
  ['tools/list', 60_000],
  ['resources/list', 60_000],
  ['resources/templates/list', 60_000],
  ['prompts/list', 60_000],
  ['server/discover', 0],
  ['resources/read', 0],
]);

/** The requests that may be answered with a question (https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/mrtr). */
const ASKING_METHODS = new Set(['tools/call', 'prompts/get', 'resources/read']);

/** One request of the protocol, however it came in; its form is checked, its parameters are not. */
export interface McpRequest extends Pick<
  CallRequest,
  'principal' | 'scopes' | 'expiresAtMs' | 'origin' | 'signal' | 'onProgress' | 'onLog' | 'malformed'
> {
  readonly era: ProtocolEra;
  readonly method: string;
  /** As on the wire, with the envelope in `_meta` and what a retry has beside its arguments. */
  readonly params: Readonly<Record<string, unknown>>;
}

export interface McpAnswerParts {
  /** Every operation, the protocol's methods among them. */
  readonly catalog: Catalog;
  /** `executeCall`, with what it stands on. */
  readonly call: (request: CallRequest) => Promise<CallOutcome>;
}

/**
 * Answers a request through the pipeline. Fails with a ProtocolError, or with InsufficientScope; what no operation declares
 * is not found.
 */
export type McpAnswerer = (request: McpRequest) => Promise<Result>;

export function createAnswerer({ catalog, call }: McpAnswerParts): McpAnswerer {
  const toolsNow = followTools(catalog);
  const route = createRouter(catalog);

  async function callTool(request: McpRequest): Promise<Result> {
    const { name, arguments: given } = request.params;
    const tools = toolsNow();
    const called = { catalog: tools, name: typeof name === 'string' ? name : '', arguments: given };
    const outcome = await call(Object.assign(callOf(request), called));
    requireScopes(outcome);
    return toToolResult(outcome, called, tools);
  }

  async function callMethod(request: McpRequest): Promise<Result> {
    const { method, params } = request;
    const { _meta, inputResponses: _, requestState: __, ...given } = params;
    const routed = route(method, given);
    if (!routed) throw new ProtocolError(ProtocolErrorCode.MethodNotFound, 'Method not found');
    const outcome = await call({ ...callOf(request), catalog, ...routed });
    if (outcome.ok) return describe(request, outcome.output, outcome.callId);
    requireScopes(outcome);
    if (outcome.error instanceof InputRequired) return toInputRequired(outcome.error, outcome.callId);
    if (method === COMPLETE_METHOD) return describe(request, NO_COMPLETION, outcome.callId);
    const uri = params['uri'];
    throw toProtocolError(outcome, method === 'resources/read' && typeof uri === 'string' ? uri : undefined);
  }

  return (request) => (request.method === 'tools/call' ? callTool(request) : callMethod(request));
}

/** The tools of the moment: saved queries come and go. `tools/call` must not reach methods or administration. */
function followTools(catalog: Catalog): () => Catalog {
  let [operations, tools] = [catalog.operations, toolsOf(catalog)];
  return () => {
    if (operations !== catalog.operations) [operations, tools] = [catalog.operations, toolsOf(catalog)];
    return tools;
  };
}

function toolsOf({ operations }: Catalog): Catalog {
  return createCatalog(operations.filter(({ kind }) => kind === 'tool'));
}

function callOf(request: McpRequest): Omit<CallRequest, 'catalog' | 'name' | 'arguments'> {
  const { principal, scopes, expiresAtMs, origin, signal, onProgress, onLog, malformed } = request;
  return { principal, scopes, expiresAtMs, origin, signal, onProgress, onLog, malformed, client: clientOf(request) };
}

/** What a token lacks is a matter between its client and whoever issues tokens: the model can do nothing about it. */
function requireScopes(outcome: CallOutcome): void {
  if (!outcome.ok && outcome.error instanceof InsufficientScope) throw outcome.error;
}

/** The legacy era asks by requests of the server's own, which need a session. */
function clientOf({ era, method, params }: McpRequest): DialogueClient | undefined {
  if (era !== 'modern' || !ASKING_METHODS.has(method)) return undefined;
  const { _meta: meta, inputResponses, requestState } = params;
  const capabilities = isRecord(meta) ? meta[CLIENT_CAPABILITIES_META_KEY] : undefined;
  return { capabilities: isRecord(capabilities) ? capabilities : {}, inputResponses, requestState };
}

function describe(
  { era, method }: McpRequest,
  { _meta, ...result }: Readonly<Record<string, unknown>>,
  callId: string,
): Result {
  // what answers with nothing answers `{}`, and clients hold it to that
  if (_meta === undefined && Object.keys(result).length === 0) return {};
  const ttlMs = era === 'modern' ? TTL_MS.get(method) : undefined;
  return {
    ...result,
    ...(ttlMs !== undefined && { ttlMs, cacheScope: 'private' }),
    _meta: { ...(isRecord(_meta) && _meta), [CALL_ID_META_KEY]: callId },
  };
}
