import type { CallToolResult } from '@modelcontextprotocol/server';
import type { Catalog } from '../calls/catalog.ts';
import type { CallOutcome, CallRequest } from '../calls/execute.ts';
import { CALL_ID_META_KEY, toProtocolError } from './protocol-error.ts';

/** The text is for reading, and paid for by the token; all rows are in the structured content. */
const TEXT_ROWS = 20;

/** The outcome of a tool call as the protocol has it. Fails with a ProtocolError when there is no tool of that name. */
export async function toToolResult(
  outcome: CallOutcome,
  { name }: Pick<CallRequest, 'name'>,
  tools: Catalog,
): Promise<CallToolResult> {
  const meta = { [CALL_ID_META_KEY]: outcome.callId };
  if (outcome.ok) {
    const { operation, output } = outcome;
    // not needed to open, and a client waits for that at every start
    const { renderAnswer } = await import('../render/answer.ts');
    return {
      content: [{ type: 'text', text: renderAnswer(operation, output, { maxRows: TEXT_ROWS }) }],
      structuredContent: output,
      _meta: meta,
    };
  }
  if (outcome.error.code === 'NOT_FOUND' && tools.get(name) === undefined) throw toProtocolError(outcome);
  // no structured content: some clients hold it against the schema of a success
  return { isError: true, content: [{ type: 'text', text: JSON.stringify({ error: outcome.error }) }], _meta: meta };
}
