import type { Narrowing } from '../contract/principal.ts';
import { compileGlob } from '../core/glob.ts';
import { rememberNames, rememberOperations } from './memory.ts';
import type { CompiledPersona, Decision, OperationFacts } from './policy.ts';
import { compileToolPattern } from './tool-pattern.ts';

type Narrow = (persona: CompiledPersona, narrowing: Narrowing | undefined) => CompiledPersona;

/**
 * What a credential leaves of a persona: it takes away and never adds. The same persona and the same object of a
 * narrowing give the same object, so that what is made for it, such as its list of tools, is made once.
 */
export function createNarrow(): Narrow {
  const made = new WeakMap<CompiledPersona, WeakMap<Narrowing, CompiledPersona>>();
  return (persona, narrowing) => {
    if (narrowing === undefined) return persona;
    const known = made.get(persona) ?? new WeakMap<Narrowing, CompiledPersona>();
    made.set(persona, known);
    const narrowed = known.get(narrowing) ?? narrow(persona, narrowing);
    known.set(narrowing, narrowed);
    return narrowed;
  };
}

function narrow(persona: CompiledPersona, { path, tools, servers }: Narrowing): CompiledPersona {
  const server = rememberNames(
    intersect((name: string) => persona.server(name), compileList(servers, `${path}.servers`, compileGlob)),
  );
  return {
    ...persona,
    operation: rememberOperations(
      intersect(
        (facts: OperationFacts) => persona.operation(facts),
        compileList(tools, `${path}.tools`, compileToolPattern),
      ),
    ),
    server,
    database(serverName, databaseName) {
      const decision = server(serverName);
      return decision.allowed ? persona.database(serverName, databaseName) : decision;
    },
  };
}

/** undefined lets everything pass. */
function compileList<Subject>(
  patterns: readonly string[] | undefined,
  path: string,
  compile: (pattern: string) => (subject: Subject) => boolean,
): (subject: Subject) => Decision | undefined {
  const matchers = patterns?.map(compile);
  const refusal = { allowed: false, rule: `no rule of ${path} matches` };
  return (subject) => (matchers?.some((matches) => matches(subject)) === false ? refusal : undefined);
}

/** The persona decides first, so that a refusal reads the same for every credential where its rules refuse. */
function intersect<Subject>(
  decide: (subject: Subject) => Decision,
  refuse: (subject: Subject) => Decision | undefined,
): (subject: Subject) => Decision {
  return (subject) => {
    const decision = decide(subject);
    return decision.allowed ? (refuse(subject) ?? decision) : decision;
  };
}
