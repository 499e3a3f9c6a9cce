import { PlatformError } from '../core/errors.ts';
import type { CompiledPersona } from '../policy/policy.ts';
import type { Entry } from './catalog.ts';
import type { CallRequest } from './execute.ts';
import { givenTwice, takePurpose, type Stated } from './purpose.ts';

/**
 * The operation that is meant: by its own name, by an alias, or by one that stands for it; with why it is called, which
 * is no argument of its own. Fails with NOT_FOUND.
 */
export function findMeant(
  called: Entry | undefined,
  { catalog, name, arguments: all }: Pick<CallRequest, 'catalog' | 'name' | 'arguments'>,
  persona: CompiledPersona | undefined,
): Entry & Stated {
  const entry = called ?? catalog.find(name);
  if (entry.operation.kind === 'method') return { ...entry, purpose: undefined, given: all };
  const stated = takePurpose(all, persona);
  const forwarded = entry.operation.forward?.(stated.given);
  if (!forwarded) return { ...entry, ...stated };
  const meant = catalog.find(forwarded.name);
  if (meant.operation.isHidden === true) throw catalog.unknown(forwarded.name);
  const { kind, accessClass, forward } = meant.operation;
  if (kind === 'tool' && accessClass === 'diagnostic' && !forward) {
    const within = takePurpose(forwarded.arguments, persona);
    if (stated.purpose !== undefined && within.purpose !== undefined) throw givenTwice();
    return { ...meant, given: within.given, purpose: stated.purpose ?? within.purpose };
  }
  throw new PlatformError('NOT_FOUND', `${JSON.stringify(forwarded.name)} is no diagnostic.`, {
    hint: `Call it by itself, if it is in the list of tools.`,
  });
}
