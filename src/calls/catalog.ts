import { PlatformError } from '../core/errors.ts';
import { nearest } from '../core/nearest.ts';
import type { ArgumentNames, Operation } from './operation.ts';

/** An operation by the name that a caller used. */
export interface Entry {
  readonly operation: Operation;
  /** Undefined when the canonical name was used. */
  readonly argumentNames: ArgumentNames | undefined;
}

/** The operations that a surface serves, by name and by alias. */
export interface Catalog {
  /** In the order of their names. */
  readonly operations: readonly Operation[];
  get(name: string): Entry | undefined;
  /** Fails with NOT_FOUND, in the same words for every caller. */
  find(name: string): Entry;
}

/** Throws for a method of which nobody has said who may have what it reveals. */
function requirePolicy(operation: Operation): void {
  const { kind, name, reveals } = operation;
  if (kind !== 'method' || 'actsAs' in operation || reveals !== undefined) return;
  throw new Error(`the method "${name}" declares no policy; give it actsAs or reveals`);
}

/** Throws for one that takes an argument of its own where every call says why it is made. */
function requireOwnNames({ name, input }: Operation): void {
  if ('purpose' in input.shape) throw new Error(`"${name}" takes an argument "purpose", which every call has`);
}

export function createCatalog(operations: readonly Operation[]): Catalog {
  const entries = new Map<string, Entry>();
  const add = (name: string, entry: Entry) => {
    if (entries.has(name)) throw new Error(`two operations are named "${name}"`);
    entries.set(name, entry);
  };
  for (const operation of operations) {
    requirePolicy(operation);
    requireOwnNames(operation);
    add(operation.name, { operation, argumentNames: undefined });
    for (const [alias, argumentNames] of Object.entries(operation.alsoKnownAs))
      add(alias, { operation, argumentNames });
  }
  const listed = operations.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const tools = listed.filter(({ kind }) => kind === 'tool').map(({ name }) => name);
  return {
    operations: listed,
    get: (name) => entries.get(name),
    find(name) {
      const entry = entries.get(name);
      if (entry) return entry;
      const near = nearest(name, tools);
      throw new PlatformError('NOT_FOUND', `No operation is named ${JSON.stringify(name.slice(0, 100))}.`, {
        hint: near === undefined ? 'List the tools to see what there is.' : `Did you mean "${near}"?`,
      });
    },
  };
}
