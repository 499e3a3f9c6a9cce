import { hash } from 'node:crypto';
import type { Narrowing, Principal } from '../contract/principal.ts';
import { createConfigError, type Problem } from '../config/problem.ts';
import type { Config } from '../config/schema.ts';
import { compileGlob } from '../core/glob.ts';
import { builtInPersonas } from './built-in.ts';
import { canonicalDataRules, compileDataRules, findDataProblems } from './data-rules.ts';
import { compileDatabasePattern, findDatabasePatternProblem, findServerPatternProblem } from './database-pattern.ts';
import { compileLimits, findLimitProblems } from './limits.ts';
import { createNarrow } from './narrowing.ts';
import type { CompiledPersona, Policy } from './policy.ts';
import { compileRules, findListProblems, findRuleProblems } from './rules.ts';
import { compileToolPattern, findToolPatternProblem, type KnownOperation } from './tool-pattern.ts';

/** What patterns without `*` must name; a part that is left out is not checked. */
export interface KnownNames {
  readonly operations?: readonly KnownOperation[] | undefined;
  readonly servers?: readonly string[] | undefined;
}

type Spec = Config['personas'][string];

/** A persona and how it is chosen. */
interface Candidate {
  readonly persona: CompiledPersona;
  readonly roles: ReadonlySet<string>;
  readonly priority: number;
}

/**
 * Compiles personas over the built-in ones, and checks what credentials leave of them. Fails with CONFIG_INVALID, which
 * lists all problems.
 */
export function compilePersonas(
  specs: Config['personas'],
  known: KnownNames = {},
  narrowings: readonly Narrowing[] = [],
): Policy {
  const all = new Map<string, Spec>(Object.entries(builtInPersonas));
  for (const [name, spec] of Object.entries(specs)) all.set(name, spec);
  const entries = [...all].toSorted(([a], [b]) => (a < b ? -1 : 1));
  const candidates = entries.map(([name, spec]) => compileCandidate(name, spec));
  const problems = [
    ...Object.entries(specs).flatMap(([name, spec]) => findProblems(name, spec, known)),
    ...findTies(candidates),
    ...narrowings.flatMap((narrowing) => findNarrowingProblems(narrowing, known)),
  ];
  if (problems.length > 0) throw createConfigError('the configuration', problems);
  return createPolicy(candidates, hashOf(entries));
}

function createPolicy(candidates: readonly Candidate[], version: string): Policy {
  const ranked = candidates.toSorted((a, b) => b.priority - a.priority);
  const personas = candidates.map(({ persona }) => persona);
  const narrow = createNarrow();

  function contend(principal: Principal): CompiledPersona[] {
    const matching = ranked.filter((candidate) => isFor(candidate, principal));
    return matching.filter(({ priority }) => priority === matching[0]?.priority).map(({ persona }) => persona);
  }

  return {
    version,
    personaFor(principal) {
      const [persona, rival] = contend(principal);
      return persona === undefined || rival !== undefined ? undefined : narrow(persona, principal.narrowing);
    },
    contenders: (principal) => contend(principal).map(({ name }) => name),
    personas: () => personas,
  };
}

/** The roles of a principal that shows no credential are names of personas: the configuration says which it has. */
function isFor({ persona, roles }: Candidate, principal: Principal): boolean {
  if (principal.method === 'local' || principal.method === 'anonymous') return principal.roles.includes(persona.name);
  return principal.roles.some((role) => roles.has(role.normalize('NFC')));
}

function compileCandidate(name: string, spec: Spec): Candidate {
  const path = `personas.${name}`;
  const server = compileRules(spec.servers, `${path}.servers`, compileGlob);
  const database = compileRules(spec.databases, `${path}.databases`, compileDatabasePattern);
  return {
    roles: new Set((spec.roles ?? [name]).map((role) => role.normalize('NFC'))),
    priority: spec.priority,
    persona: {
      name,
      limits: compileLimits(spec.limits),
      operation: compileRules(spec.tools, `${path}.tools`, compileToolPattern),
      server,
      database(serverName, databaseName) {
        const decision = server(serverName);
        return decision.allowed ? database({ server: serverName, database: databaseName }) : decision;
      },
      data: compileDataRules(spec.data, `${path}.data`),
    },
  };
}

function findProblems(name: string, spec: Spec, { operations, servers }: KnownNames): Problem[] {
  const path = `personas.${name}`;
  return [
    ...findRuleProblems(spec.tools, `${path}.tools`, (pattern) => findToolPatternProblem(pattern, operations)),
    ...findRuleProblems(spec.servers, `${path}.servers`, (pattern) => findServerPatternProblem(pattern, servers)),
    ...findRuleProblems(spec.databases, `${path}.databases`, (pattern) => findDatabasePatternProblem(pattern, servers)),
    ...findDataProblems(spec.data, `${path}.data`),
    ...findLimitProblems(compileLimits(spec.limits)).map((problem) => ({
      path: `${path}.limits.${problem.path}`,
      message: problem.message,
    })),
  ];
}

function findNarrowingProblems(
  { path, tools = [], servers = [] }: Narrowing,
  { operations, servers: known }: KnownNames,
): Problem[] {
  return [
    ...findListProblems(tools, `${path}.tools`, (pattern) => findToolPatternProblem(pattern, operations)),
    ...findListProblems(servers, `${path}.servers`, (pattern) => findServerPatternProblem(pattern, known)),
  ];
}

/** Personas that claim one role with one priority: it would be chance which of them a caller has. */
function findTies(candidates: readonly Candidate[]): Problem[] {
  const claims = new Map<string, string>();
  const problems = new Map<string, Problem>();
  for (const { persona, roles, priority } of candidates) {
    for (const role of roles) {
      const claim = JSON.stringify([role, priority]);
      const rival = claims.get(claim);
      if (rival === undefined) claims.set(claim, persona.name);
      else if (!problems.has(persona.name)) {
        const shared = `shares the role ${JSON.stringify(role)} and the priority ${priority} with personas.${rival}`;
        problems.set(persona.name, {
          path: `personas.${persona.name}`,
          message: `${shared}; give one a higher priority`,
        });
      }
    }
  }
  return [...problems.values()];
}

/** Over what the rules mean: `1MiB` and its number of bytes are one, and roles have no order. */
function hashOf(entries: readonly (readonly [name: string, spec: Spec])[]): string {
  const canonical = entries.map(([name, { roles = [name], priority, tools, servers, databases, data, limits }]) => [
    name,
    roles.toSorted(),
    priority,
    ...[tools, servers, databases].map(({ allow, deny }) => [allow, deny]),
    canonicalDataRules(data),
    Object.values(compileLimits(limits)),
  ]);
  return hash('sha256', JSON.stringify(canonical), 'hex').slice(0, 16);
}
