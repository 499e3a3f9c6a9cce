import { hash } from 'node:crypto';
import type { PurposeRule } from '../contract/persona.ts';
import type { Narrowing } from '../contract/principal.ts';
import { createConfigError, type Problem } from '../config/problem.ts';
import type { Config } from '../config/schema.ts';
import { compileGlob } from '../core/glob.ts';
import { builtInPersonas } from './built-in.ts';
import { createChoice } from './choice.ts';
import { canonicalDataGrants, compileDataGrants, findDataGrantProblems } from './data-grants.ts';
import { canonicalDataRules, compileDataRules, findDataProblems } from './data-rules.ts';
import { compileDatabasePattern, findDatabasePatternProblem, findServerPatternProblem } from './database-pattern.ts';
import { compileLimits, findLimitProblems } from './limits.ts';
import { findLoginProblems } from './login.ts';
import { createNarrow } from './narrowing.ts';
import type { CompiledPersona, Policy } from './policy.ts';
import { rememberNames, rememberOperations, rememberPlaces } from './memory.ts';
import { compileRules, findListProblems, findRuleProblems } from './rules.ts';
import { compileToolPattern, findToolPatternProblem, type KnownOperation } from './tool-pattern.ts';

/** What patterns without `*` must name; a part that is left out is not checked. */
export interface KnownNames {
  readonly operations?: readonly KnownOperation[] | undefined;
  readonly servers?: readonly string[] | undefined;
  /** The logins of each server. */
  readonly logins?: Readonly<Record<string, readonly string[]>> | undefined;
}

/** What holds for a persona that does not say otherwise. */
export interface PersonaDefaults {
  readonly purpose: PurposeRule;
}

const DEFAULTS: PersonaDefaults = { purpose: 'optional' };

type Spec = Config['personas'][string];

/**
 * Compiles personas over the built-in ones, and checks what credentials leave of them. Fails with CONFIG_INVALID, which
 * lists all problems.
 */
export function compilePersonas(
  specs: Config['personas'],
  known: KnownNames = {},
  narrowings: readonly Narrowing[] = [],
  defaults: PersonaDefaults = DEFAULTS,
): Policy {
  const entries = [...withBuiltIn(specs)].toSorted(([a], [b]) => (a < b ? -1 : 1));
  const personas = entries.map(([name, spec]) => compilePersona(name, spec, defaults));
  const problems = [
    ...Object.entries(specs).flatMap(([name, spec]) => findProblems(name, spec, known)),
    ...personas.flatMap((persona) => findLoginProblems(persona, known.logins)),
    ...findTies(personas),
    ...narrowings.flatMap((narrowing) => findNarrowingProblems(narrowing, known)),
  ];
  if (problems.length > 0) throw createConfigError('the configuration', problems);
  return createPolicy(personas, hashOf(entries, defaults));
}

/** The personas of a configuration and the built-in ones that it does not replace. */
export function withBuiltIn(specs: Config['personas']): ReadonlyMap<string, Spec> {
  const all = new Map<string, Spec>(Object.entries(builtInPersonas));
  for (const [name, spec] of Object.entries(specs)) all.set(name, spec);
  return all;
}

function createPolicy(personas: readonly CompiledPersona[], version: string): Policy {
  const contend = createChoice(personas);
  const narrow = createNarrow();

  return {
    version,
    personaFor(principal) {
      const [persona, rival] = contend(principal);
      return persona === undefined || rival !== undefined ? undefined : narrow(persona, principal.narrowing);
    },
    contenders: (principal) => contend(principal).map(({ name }) => name),
    personas: () => personas,
    grants: () => [],
  };
}

function compilePersona(name: string, spec: Spec, defaults: PersonaDefaults): CompiledPersona {
  const path = `personas.${name}`;
  const server = rememberNames(compileRules(spec.servers, `${path}.servers`, compileGlob));
  const database = rememberPlaces(compileRules(spec.databases, `${path}.databases`, compileDatabasePattern));
  return {
    name,
    roles: new Set((spec.roles ?? [name]).map((role) => role.normalize('NFC'))),
    priority: spec.priority,
    limits: compileLimits(spec.limits),
    login: spec.login,
    instructions: spec.instructions,
    purpose: spec.purpose ?? defaults.purpose,
    operation: rememberOperations(compileRules(spec.tools, `${path}.tools`, compileToolPattern)),
    server,
    database(serverName, databaseName) {
      const decision = server(serverName);
      return decision.allowed ? database({ server: serverName, database: databaseName }) : decision;
    },
    data: compileDataRules(spec.data, `${path}.data`),
    dataGrants: compileDataGrants(spec.data, `${path}.data`),
  };
}

function findProblems(name: string, spec: Spec, { operations, servers }: KnownNames): Problem[] {
  const path = `personas.${name}`;
  return [
    ...findRuleProblems(spec.tools, `${path}.tools`, (pattern) => findToolPatternProblem(pattern, operations)),
    ...findRuleProblems(spec.servers, `${path}.servers`, (pattern) => findServerPatternProblem(pattern, servers)),
    ...findRuleProblems(spec.databases, `${path}.databases`, (pattern) => findDatabasePatternProblem(pattern, servers)),
    ...findDataProblems(spec.data, `${path}.data`),
    ...findDataGrantProblems(spec.data, `${path}.data`),
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
function findTies(personas: readonly CompiledPersona[]): Problem[] {
  const claims = new Map<string, string>();
  const problems = new Map<string, Problem>();
  for (const { name, roles, priority } of personas) {
    for (const role of roles) {
      const claim = JSON.stringify([role, priority]);
      const rival = claims.get(claim);
      if (rival === undefined) claims.set(claim, name);
      else if (!problems.has(name)) {
        const shared = `shares the role ${JSON.stringify(role)} and the priority ${priority} with personas.${rival}`;
        problems.set(name, { path: `personas.${name}`, message: `${shared}; give one a higher priority` });
      }
    }
  }
  return [...problems.values()];
}

/** Over what the rules mean: `1MiB` and its number of bytes are one, and roles have no order. */
function hashOf(entries: readonly (readonly [name: string, spec: Spec])[], defaults: PersonaDefaults): string {
  const canonical = entries.map(
    ([name, { roles = [name], priority, tools, servers, databases, data, limits, ...more }]) => [
      name,
      roles.toSorted(),
      priority,
      ...[tools, servers, databases].map(({ allow, deny }) => [allow, deny]),
      canonicalDataRules(data),
      canonicalDataGrants(data),
      Object.values(compileLimits(limits)),
      [more.login, more.instructions, more.purpose ?? defaults.purpose],
    ],
  );
  return hash('sha256', JSON.stringify(canonical), 'hex').slice(0, 16);
}
