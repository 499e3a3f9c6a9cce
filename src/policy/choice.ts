import type { Principal } from '../contract/principal.ts';
import type { CompiledPersona } from './policy.ts';

/** Those of the highest priority that are for a principal, in the order of their names. */
export function createChoice(
  personas: readonly CompiledPersona[],
): (principal: Principal) => readonly CompiledPersona[] {
  const byName = new Map(personas.map((persona) => [persona.name, persona]));
  const byRole = new Map<string, CompiledPersona[]>();
  for (const persona of personas) {
    for (const role of persona.roles) byRole.set(role, highest([...(byRole.get(role) ?? []), persona]));
  }

  /** Not by going through all personas: that would cost every call more, the more there are. */
  function candidates({ method, roles }: Principal): readonly CompiledPersona[] {
    // the roles of a principal that shows no credential are names of personas: the configuration says which it has
    if (method === 'local' || method === 'anonymous') return roles.flatMap((role) => byName.get(role) ?? []);
    return roles.flatMap((role) => byRole.get(role.normalize('NFC')) ?? []);
  }

  return (principal) => {
    const found = candidates(principal);
    return found.length < 2 ? found : highest([...new Set(found)]);
  };
}

function highest(personas: readonly CompiledPersona[]): CompiledPersona[] {
  const priority = Math.max(...personas.map((persona) => persona.priority));
  const best = personas.filter((persona) => persona.priority === priority);
  return best.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}
