import type { ServerCapabilities } from '@modelcontextprotocol/server';
import type { Catalog } from '../calls/catalog.ts';

/** What Howdah says of itself to a client. */
export interface Identity {
  readonly name: 'howdah';
  readonly title: 'Howdah';
  readonly version: string;
}

export function identityOf(version: string): Identity {
  return { name: 'howdah', title: 'Howdah', version };
}

/** What is offered where nobody can be told of changes; log messages only where an operation sends them. */
export function capabilitiesOf({ operations }: Catalog): ServerCapabilities {
  const logs = operations.some((operation) => operation.logs === true);
  return { tools: {}, resources: {}, prompts: {}, completions: {}, ...(logs && { logging: {} }) };
}

/** What is offered to a client that can subscribe. */
export function listeningCapabilitiesOf(catalog: Catalog): ServerCapabilities {
  const listChanged = true;
  return {
    ...capabilitiesOf(catalog),
    tools: { listChanged },
    resources: { listChanged },
    prompts: { listChanged },
  };
}
