import { findPatternProblem } from '../config/name-pattern.ts';
import { compileGlob } from '../core/glob.ts';
import { nearest } from '../core/nearest.ts';

export interface Place {
  readonly server: string;
  readonly database: string;
}

/** `server/database`, each with `*`; neither side reaches over the first slash. The pattern must have no problem. */
export function compileDatabasePattern(pattern: string): (place: Place) => boolean {
  const [matchesServer, matchesDatabase] = split(pattern).map(compileGlob);
  return ({ server, database }) => matchesServer?.(server) === true && matchesDatabase?.(database) === true;
}

export function findDatabasePatternProblem(pattern: string, servers?: readonly string[]): string | undefined {
  if (pattern === '') return findPatternProblem(pattern);
  const [server = '', database] = split(pattern);
  if (database === undefined) return 'has no slash; write server/database, such as */shop';
  return findServerPatternProblem(server, servers) ?? findPatternProblem(database);
}

/** Names are looked up only if there are `servers`: a rule about one that is not there is a slip of the pen. */
export function findServerPatternProblem(pattern: string, servers?: readonly string[]): string | undefined {
  const problem = findPatternProblem(pattern);
  if (problem !== undefined) return problem;
  if (/[^a-z0-9_*-]/.test(pattern)) return 'has a character that no server name has; those are a-z, 0-9, _ and -';
  if (pattern.includes('*') || servers === undefined || servers.includes(pattern)) return undefined;
  const near = nearest(pattern, servers);
  return `names no server; ${near === undefined ? `there are: ${servers.join(', ') || '(none)'}` : `did you mean ${near}?`}`;
}

/** Server names have no slash; names of databases may. */
function split(pattern: string): string[] {
  const slash = pattern.indexOf('/');
  return slash === -1 ? [pattern] : [pattern.slice(0, slash), pattern.slice(slash + 1)];
}
