import { PlatformError } from '../core/errors.ts';
import type { StoredRules } from '../policy/stored-rules.ts';

/**
 * Puts in force what can be. A persona that this process cannot use, such as one with a server that only another
 * replica has, must not keep the others, nor the end of a grant, from counting: it is left out, and its callers have
 * none. Gives what was used, and the personas that were left out; fails with what `use` fails with when nothing helps.
 */
export function useWhatCanBe(
  wanted: StoredRules,
  use: (rules: StoredRules) => void,
): { readonly used: StoredRules; readonly leftOut: readonly string[] } {
  const leftOut: string[] = [];
  for (let rules = wanted; ;) {
    try {
      use(rules);
      return { used: rules, leftOut };
    } catch (error) {
      const names = Object.keys(rules.personas);
      if (names.length === 0) throw error;
      const blamed = blamedIn(error).filter((name) => names.includes(name));
      const without = blamed.length > 0 ? blamed : names;
      leftOut.push(...without);
      rules = withoutPersonas(rules, without);
    }
  }
}

function blamedIn(error: unknown): string[] {
  const problems = error instanceof PlatformError ? error.details?.['problems'] : undefined;
  if (!Array.isArray(problems)) return [];
  return problems.flatMap(({ path }: { readonly path?: unknown }) => {
    const [, name] = /^personas\.([a-z0-9_-]+)/.exec(String(path)) ?? [];
    return name === undefined ? [] : [name];
  });
}

function withoutPersonas({ personas, versions, grants }: StoredRules, names: readonly string[]): StoredRules {
  const isKept = ([name]: readonly [string, unknown]) => !names.includes(name);
  return {
    personas: Object.fromEntries(Object.entries(personas).filter(isKept)),
    versions: new Map([...versions].filter(isKept)),
    grants,
  };
}
