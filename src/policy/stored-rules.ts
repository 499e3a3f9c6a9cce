import { PersonaSpec } from '../contract/persona.ts';
import type { Problem } from '../config/problem.ts';
import { describeIssues } from '../config/issue.ts';
import type { Config } from '../config/schema.ts';
import type { Store } from '../store/open-store.ts';
import type { Grant } from './policy.ts';
import { readGrants, type RefusedRow } from './stored-grants.ts';
import { keyOfVersion, PERSONA_TABLE, readPersonas } from './stored-personas.ts';

/** What the store has of personas and grants that is in force. */
export interface StoredRules {
  readonly personas: Readonly<Record<string, PersonaSpec>>;
  /** The version of each. */
  readonly versions: ReadonlyMap<string, number>;
  readonly grants: readonly Grant[];
}

export const NO_STORED_RULES: StoredRules = { personas: {}, versions: new Map(), grants: [] };

export interface ReadRules {
  readonly rules: StoredRules;
  /** What Howdah did not write. */
  readonly refused: readonly RefusedRow[];
  /** Personas that this version of Howdah does not understand, and that are not among the rules. */
  readonly problems: readonly Problem[];
  /** The newest version of every persona of the store, of those too that were removed. */
  readonly newest: ReadonlyMap<string, number>;
  /** The ids of grants that have an end. */
  readonly ended: ReadonlySet<string>;
}

export async function readStoredRules(store: Pick<Store, 'exchange' | 'keys'>): Promise<ReadRules> {
  const [{ current, refused }, grants] = await Promise.all([readPersonas(store), readGrants(store, '0')]);
  const problems: Problem[] = [];
  const personas = current.flatMap(({ name, version, spec }) => {
    if (spec === null) return [];
    const parsed = parsePersona(name, spec);
    if ('problems' in parsed) problems.push(...parsed.problems);
    return 'spec' in parsed ? [{ name, version, spec: parsed.spec }] : [];
  });
  return {
    rules: {
      personas: Object.fromEntries(personas.map(({ name, spec }) => [name, spec])),
      versions: new Map(personas.map(({ name, version }) => [name, version])),
      grants: grants.found.filter(({ end }) => end === undefined).map(({ grant }) => grant),
    },
    problems,
    newest: new Map(current.map(({ name, version }) => [name, version])),
    ended: new Set(grants.found.filter(({ end }) => end !== undefined).map(({ grant }) => grant.id)),
    refused: [...refused.map((row) => ({ table: PERSONA_TABLE, row: keyOfVersion(row) })), ...grants.refused],
  };
}

/** A persona as the configuration would take it, or what is wrong with it. */
export function parsePersona(
  name: string,
  spec: unknown,
): { readonly spec: PersonaSpec } | { readonly problems: readonly Problem[] } {
  const parsed = PersonaSpec.safeParse(spec);
  if (parsed.success) return { spec: parsed.data };
  const issues = parsed.error.issues.map((issue) => ({ ...issue, path: ['personas', name, ...issue.path] }));
  return { problems: describeIssues(issues, { personas: { [name]: spec } }) };
}

/** The personas of file and store; that of the file is meant where both have one of a name. */
export function joinPersonas(file: Config['personas'], { personas }: StoredRules): Config['personas'] {
  return Object.assign(Object.create(null), personas, file);
}
