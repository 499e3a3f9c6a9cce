import type { CallToolResult, Result } from '@modelcontextprotocol/server';
import { NoSuchOperation, type Catalog } from '../calls/catalog.ts';
import { InputRequired, InvalidRequestState, MissingClientCapability } from '../calls/dialogue.ts';
import type { CallOutcome, CallRequest } from '../calls/execute.ts';
import type { Operation, Output } from '../calls/operation.ts';
import type { PlatformError } from '../core/errors.ts';
import type { renderBriefly } from '../render/answer.ts';
import { toInputRequired } from './input-required.ts';
import { CALL_ID_META_KEY, toProtocolError } from './protocol-error.ts';

let rendering: Promise<{ readonly renderBriefly: typeof renderBriefly }> | undefined;

/** The outcome of a tool call as the protocol has it. Fails with a ProtocolError for what is no matter of the tool. */
export async function toToolResult(
  outcome: CallOutcome,
  { name }: Pick<CallRequest, 'name'>,
  tools: Catalog,
): Promise<Result> {
  const meta = { [CALL_ID_META_KEY]: outcome.callId };
  if (outcome.ok) {
    const { operation, output } = outcome;
    const structured = operation.structured !== false && { structuredContent: output };
    return { content: await contentOf(operation, output), ...structured, _meta: meta } satisfies CallToolResult;
  }
  const { error } = outcome;
  if (error instanceof InputRequired) return toInputRequired(error, outcome.callId);
  const named = tools.get(name)?.operation;
  const isUnknown =
    error.code === 'NOT_FOUND' &&
    (named === undefined || (named.isHidden === true && error instanceof NoSuchOperation));
  if (isUnknown || isOfTheProtocol(error)) throw toProtocolError(outcome);
  // no structured content: some clients hold it against the schema of a success
  return { isError: true, content: [{ type: 'text', text: JSON.stringify({ error }) }], _meta: meta };
}

function isOfTheProtocol(error: PlatformError): boolean {
  return error instanceof InvalidRequestState || error instanceof MissingClientCapability;
}

async function contentOf(operation: Operation, output: Output): Promise<CallToolResult['content']> {
  if (operation.present) return [...operation.present(output)];
  // not needed to open, and a client waits for that at every start; asking the loader at every call has a price too
  rendering ??= import('../render/answer.ts');
  const { renderBriefly } = await rendering;
  return [{ type: 'text', text: renderBriefly(operation, output) }];
}
