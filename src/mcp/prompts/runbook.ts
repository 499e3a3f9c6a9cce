import type { Prompt, PromptArgument } from './prompt.ts';

/** A prompt that is one text: steps for the model. */
export interface Runbook extends Prompt {
  readonly arguments: readonly PlaceArgument[];
  write(given: Place): string;
}

/** One that can be completed as the variables of a table's address can. */
export interface PlaceArgument extends PromptArgument {
  readonly name: 'server' | 'database' | 'schema' | 'table';
}

export type Place = Readonly<Partial<Record<PlaceArgument['name'], string>>>;

export function defineRunbook(spec: Omit<Runbook, 'messages'>): Runbook {
  return {
    ...spec,
    messages: (given) => [{ role: 'user', content: { type: 'text', text: spec.write(given) } }],
  };
}

export const serverArgument: PlaceArgument = {
  name: 'server',
  description: 'Name of a server; may be left out for the default one.',
  required: false,
};

export const databaseArgument: PlaceArgument = {
  name: 'database',
  description: 'A database of that server; may be left out for the default one.',
  required: false,
};

/** ` with server "shop", database "orders"`, for the arguments that were given; nothing for none. */
export function passing(given: Place): string {
  const named = Object.entries(given).map(([name, value]) => `${name} ${JSON.stringify(value)}`);
  return named.length === 0 ? '' : ` with ${named.join(', ')}`;
}

export function numbered(steps: readonly string[]): string {
  return steps.map((step, i) => `${i + 1}. ${step}`).join('\n');
}
