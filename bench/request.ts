/** One `tools/call` of 2026-07-28 with all that the protocol wants of it. */
export interface ToolRequest {
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

const VERSION = '2026-07-28';

export function toolRequest(name: string): ToolRequest {
  const meta = {
    'io.modelcontextprotocol/protocolVersion': VERSION,
    'io.modelcontextprotocol/clientInfo': { name: 'bench', version: '1.0.0' },
    'io.modelcontextprotocol/clientCapabilities': {},
  };
  return {
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name, arguments: {}, _meta: meta },
    }),
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': VERSION,
      'mcp-method': 'tools/call',
      'mcp-name': name,
    },
  };
}
