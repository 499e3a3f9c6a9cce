import {
  PROTOCOL_VERSION_META_KEY,
  type JSONRPCMessage,
  type JSONRPCRequest,
  type ProtocolEra,
} from '@modelcontextprotocol/server';
import { isRecord } from '../../core/record.ts';
import { isMethodOf, isModernVersion, LEGACY_VERSIONS, MODERN_VERSIONS } from '../protocol-versions.ts';
import { accepts } from './accept.ts';
import { envelopeProblem } from './envelope.ts';
import { headerOf, type McpHeaders } from './exchange.ts';
import { decodeHeaderValue } from './header-value.ts';
import { readHandshake, type Handshake } from './opening.ts';
import { mismatchedParameter, type ParameterHeaders } from './parameter-headers.ts';
import {
  headerMismatch,
  INVALID_HANDSHAKE,
  invalidEnvelope,
  methodNotFound,
  NOT_ACCEPTABLE,
  unsupportedLegacyVersion,
  unsupportedVersion,
  type HttpRefusal,
} from './refusal.ts';

/** The era that a message is answered in, or why it is not. */
export type Admission = Admitted | { readonly era: 'none'; readonly refusal: HttpRefusal };

export interface Admitted {
  readonly era: ProtocolEra;
  /** Of the legacy era only: what is known without a session. */
  readonly handshake: Handshake;
}

const MODERN: Admitted = { era: 'modern', handshake: { client: undefined, protocolVersion: undefined } };
const NO_META: Readonly<Record<string, unknown>> = {};

/** The parameter that the header `Mcp-Name` repeats. */
const NAMED_BY: Readonly<Record<string, string>> = {
  'tools/call': 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
};

/**
 * Decides the era by the body, as the SDK's `classifyInboundRequest` does, and holds the headers against it: a proxy
 * may have decided something by them.
 */
export function admit(message: JSONRPCMessage, headers: McpHeaders, parameters: ParameterHeaders): Admission {
  const version = headerOf(headers, 'mcp-protocol-version');
  const meta = metaOf(message);
  const claims = PROTOCOL_VERSION_META_KEY in meta;
  const headerIsModern = version !== undefined && isModernVersion(version);
  const isRequest = 'method' in message && 'id' in message;
  if (isRequest && message.method === 'initialize' && !isValidClaim(meta)) {
    return headerIsModern ? refuse(headerMismatch('MCP-Protocol-Version')) : admitInitialize(message, headers);
  }
  if (!('method' in message) || (!claims && !headerIsModern)) return admitLegacy(message, version, headers);
  const refusal = isRequest
    ? refusalOfRequest(message, meta, headers, parameters)
    : refusalOfNotification(message.method, meta, headers);
  return refusal ? refuse(refusal) : MODERN;
}

/** In the order of the SDK, so that what breaks several rules gets the same answer. */
function refusalOfRequest(
  { method, params = {} }: JSONRPCRequest,
  meta: Readonly<Record<string, unknown>>,
  headers: McpHeaders,
  parameters: ParameterHeaders,
): HttpRefusal | undefined {
  const problem = envelopeProblem(meta);
  if (problem !== undefined) return invalidEnvelope(problem);
  const version = String(meta[PROTOCOL_VERSION_META_KEY]);
  const versionHeader = headerOf(headers, 'mcp-protocol-version');
  const methodHeader = headerOf(headers, 'mcp-method');
  if (versionHeader !== undefined && versionHeader !== version) return headerMismatch('MCP-Protocol-Version');
  if (methodHeader !== undefined && methodHeader !== method) return headerMismatch('Mcp-Method');
  if (!MODERN_VERSIONS.includes(version)) return unsupportedVersion(version);
  if (versionHeader === undefined) return headerMismatch('MCP-Protocol-Version');
  if (methodHeader === undefined) return headerMismatch('Mcp-Method');
  if (!isNamed(method, params, headers)) return headerMismatch('Mcp-Name');
  const parameter = method === 'tools/call' ? mismatchedParameter(parameters, params, headers) : undefined;
  if (parameter !== undefined) return headerMismatch(parameter);
  return isMethodOf('modern', method) ? undefined : methodNotFound('modern');
}

/** A notification needs no headers; those that it has must be true. */
function refusalOfNotification(
  method: string,
  meta: Readonly<Record<string, unknown>>,
  headers: McpHeaders,
): HttpRefusal | undefined {
  const versionHeader = headerOf(headers, 'mcp-protocol-version');
  const methodHeader = headerOf(headers, 'mcp-method');
  const version = meta[PROTOCOL_VERSION_META_KEY] ?? versionHeader;
  if (typeof version !== 'string') return invalidEnvelope(`"${PROTOCOL_VERSION_META_KEY}" must be a text`);
  if (versionHeader !== undefined && versionHeader !== version) return headerMismatch('MCP-Protocol-Version');
  if (methodHeader !== undefined && methodHeader !== method && isModernVersion(version))
    return headerMismatch('Mcp-Method');
  return MODERN_VERSIONS.includes(version) ? undefined : unsupportedVersion(version);
}

function isNamed(method: string, params: Readonly<Record<string, unknown>>, headers: McpHeaders): boolean {
  const key = Object.hasOwn(NAMED_BY, method) ? NAMED_BY[method] : undefined;
  if (key === undefined) return true;
  const name = params[key];
  const header = headerOf(headers, 'mcp-name');
  if (header === undefined) return typeof name !== 'string';
  const decoded = decodeHeaderValue(header);
  return decoded !== undefined && (typeof name !== 'string' || decoded === name);
}

function admitInitialize({ params = {} }: JSONRPCRequest, headers: McpHeaders): Admission {
  if (!acceptsBoth(headers)) return refuse(NOT_ACCEPTABLE);
  const handshake = readHandshake(params);
  return handshake ? { era: 'legacy', handshake } : refuse(INVALID_HANDSHAKE);
}

function admitLegacy(message: JSONRPCMessage, protocolVersion: string | undefined, headers: McpHeaders): Admission {
  if (!acceptsBoth(headers)) return refuse(NOT_ACCEPTABLE);
  if (protocolVersion !== undefined && !LEGACY_VERSIONS.includes(protocolVersion)) {
    return refuse(unsupportedLegacyVersion(LEGACY_VERSIONS));
  }
  if ('method' in message && !isMethodOf('legacy', message.method)) return refuse(methodNotFound('legacy'));
  return { era: 'legacy', handshake: { client: undefined, protocolVersion } };
}

function acceptsBoth(headers: McpHeaders): boolean {
  const accept = headerOf(headers, 'accept');
  return accepts(accept, 'application/json') && accepts(accept, 'text/event-stream');
}

function isValidClaim(meta: Readonly<Record<string, unknown>>): boolean {
  const version = meta[PROTOCOL_VERSION_META_KEY];
  return typeof version === 'string' && isModernVersion(version) && envelopeProblem(meta) === undefined;
}

/** `_meta` of a request or notification. */
export function metaOf(message: JSONRPCMessage): Readonly<Record<string, unknown>> {
  const params = 'params' in message ? message.params : undefined;
  const meta = params?.['_meta'];
  return isRecord(meta) ? meta : NO_META;
}

function refuse(refusal: HttpRefusal): Admission {
  return { era: 'none', refusal };
}
