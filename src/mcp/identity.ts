/** What Howdah says of itself to a client. */
export interface Identity {
  readonly name: 'howdah';
  readonly title: 'Howdah';
  readonly version: string;
}

export function identityOf(version: string): Identity {
  return { name: 'howdah', title: 'Howdah', version };
}

/** What is offered where nobody can be told of changes. */
export const CAPABILITIES = { tools: {}, resources: {}, prompts: {}, completions: {} } as const;

/** What is offered to a client that can subscribe. */
export const LISTENING_CAPABILITIES = {
  tools: { listChanged: true },
  resources: { listChanged: true },
  prompts: { listChanged: true },
  completions: {},
} as const;
