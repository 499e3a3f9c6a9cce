/** A runbook that a person picks in their client: steps for the model, with the tools that they need. */
export interface Prompt {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly arguments: readonly PromptArgument[];
  /** The tools that the steps name. Who may not call one of them is not offered the prompt. */
  readonly tools: readonly string[];
  /** The steps as text, for the arguments that were given. */
  write(given: PromptValues): string;
}

/** One that can be completed as the variables of a table's address can. */
export interface PromptArgument {
  readonly name: 'server' | 'database' | 'schema' | 'table';
  readonly description: string;
  readonly required: boolean;
}

export type PromptValues = Readonly<Partial<Record<PromptArgument['name'], string>>>;

export const serverArgument: PromptArgument = {
  name: 'server',
  description: 'Name of a server; may be left out for the default one.',
  required: false,
};

export const databaseArgument: PromptArgument = {
  name: 'database',
  description: 'A database of that server; may be left out for the default one.',
  required: false,
};

/** ` with server "shop", database "orders"`, for the arguments that were given; nothing for none. */
export function passing(given: PromptValues): string {
  const named = Object.entries(given).map(([name, value]) => `${name} ${JSON.stringify(value)}`);
  return named.length === 0 ? '' : ` with ${named.join(', ')}`;
}

export function numbered(steps: readonly string[]): string {
  return steps.map((step, i) => `${i + 1}. ${step}`).join('\n');
}
