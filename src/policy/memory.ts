import type { Place } from './database-pattern.ts';
import type { Decision, OperationFacts } from './policy.ts';

/** Names come from callers, who may think of ever new ones: beyond so many, or so long, nothing is kept of them. */
const MOST_KEPT = 1000;
const LONGEST_KEPT = 200;

/** The same decisions, each made once: rules do not change, and the operations of a process are the same objects. */
export function rememberOperations(
  decide: (operation: OperationFacts) => Decision,
): (operation: OperationFacts) => Decision {
  const made = new WeakMap<OperationFacts, Decision>();
  return (operation) => {
    const known = made.get(operation);
    if (known) return known;
    const decision = decide(operation);
    made.set(operation, decision);
    return decision;
  };
}

export function rememberNames(decide: (name: string) => Decision): (name: string) => Decision {
  return remember(decide, (name) => name);
}

export function rememberPlaces(decide: (place: Place) => Decision): (place: Place) => Decision {
  // with the length before it, since either name can have any character
  return remember(decide, ({ server, database }) => `${server.length} ${server} ${database}`);
}

function remember<Subject>(
  decide: (subject: Subject) => Decision,
  keyOf: (subject: Subject) => string,
): (subject: Subject) => Decision {
  const made = new Map<string, Decision>();
  return (subject) => {
    const key = keyOf(subject);
    const known = made.get(key);
    if (known) return known;
    const decision = decide(subject);
    if (key.length > LONGEST_KEPT) return decision;
    if (made.size >= MOST_KEPT) made.clear();
    made.set(key, decision);
    return decision;
  };
}
