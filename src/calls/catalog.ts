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
  /** What `find` fails with for a name that is not there; also said of one that the caller may not know of. */
  unknown(name: string): NoSuchOperation;
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

/** No operation has the name, or none that the caller may know of. */
export class NoSuchOperation extends PlatformError {
  constructor(name: string, hint: string) {
    super('NOT_FOUND', `No operation is named ${JSON.stringify(name.slice(0, 100))}.`, { hint });
  }
}

/** One whose operations change; each use sees those of the moment. */
export interface LiveCatalog extends Catalog {
  replace(operations: readonly Operation[]): void;
}

export function createLiveCatalog(operations: readonly Operation[]): LiveCatalog {
  let current = createCatalog(operations);
  return {
    get operations() {
      return current.operations;
    },
    get: (name) => current.get(name),
    find: (name) => current.find(name),
    unknown: (name) => current.unknown(name),
    replace(next) {
      current = createCatalog(next);
    },
  };
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
  const tools = listed.filter(({ kind, isHidden }) => kind === 'tool' && isHidden !== true).map(({ name }) => name);
  return {
    operations: listed,
    get: (name) => entries.get(name),
    unknown,
    find(name) {
      const entry = entries.get(name);
      if (entry) return entry;
      throw unknown(name);
    },
  };

  function unknown(name: string): NoSuchOperation {
    const near = nearest(name, tools);
    return new NoSuchOperation(
      name,
      near === undefined ? 'List the tools to see what there is.' : `Did you mean "${near}"?`,
    );
  }
}
