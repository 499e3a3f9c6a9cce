import type { StoredRules } from '../policy/stored-rules.ts';

/** What was once in force in this process: the store cannot take a process back behind it. */
export interface RuleMemory {
  /** The rules without what would go back: a persona keeps the version that it had, and a grant that ended stays so. */
  withoutReturns(
    read: ReadRulesNow,
    inForce: StoredRules,
  ): { readonly rules: StoredRules; readonly returned: string[] };
}

export interface ReadRulesNow {
  readonly rules: StoredRules;
  /** The newest version of every persona of the store, of those too that were removed. */
  readonly newest: ReadonlyMap<string, number>;
  /** The ids of grants that have an end. */
  readonly ended: ReadonlySet<string>;
}

/** Versions only grow and grants end once: whatever says otherwise was deleted by somebody with the database. */
export function createRuleMemory(): RuleMemory {
  const highest = new Map<string, number>();
  const ended = new Set<string>();
  return {
    withoutReturns(read, inForce) {
      const returned = [...highest].filter(([name, version]) => (read.newest.get(name) ?? 0) < version);
      for (const [name, version] of read.newest) highest.set(name, Math.max(version, highest.get(name) ?? 0));
      for (const id of read.ended) ended.add(id);
      const revived = read.rules.grants.filter(({ id }) => ended.has(id));
      if (returned.length === 0 && revived.length === 0) return { rules: read.rules, returned: [] };
      const names = new Set(returned.map(([name]) => name));
      const keep = <T>(now: Iterable<[string, T]>, before: Iterable<[string, T]>): [string, T][] => [
        ...[...now].filter(([name]) => !names.has(name)),
        ...[...before].filter(([name]) => names.has(name)),
      ];
      return {
        rules: {
          personas: Object.fromEntries(keep(Object.entries(read.rules.personas), Object.entries(inForce.personas))),
          versions: new Map(keep(read.rules.versions, inForce.versions)),
          grants: read.rules.grants.filter(({ id }) => !ended.has(id)),
        },
        returned: [
          ...returned.map(([name, version]) => `persona_version ${name}/${version}`),
          ...revived.map(({ id }) => `persona_grant_end of ${id}`),
        ],
      };
    },
  };
}
