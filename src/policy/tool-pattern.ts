import { AccessClass } from '../contract/access-class.ts';
import { findPatternProblem } from '../config/name-pattern.ts';
import { compileGlob } from '../core/glob.ts';
import { nearest } from '../core/nearest.ts';
import type { OperationFacts } from './policy.ts';

/** An operation that rules can name. */
export interface KnownOperation {
  readonly name: string;
  readonly area: string;
  readonly alsoKnownAs: Readonly<Record<string, unknown>>;
}

/** `class:<class>`, `area:<area>` or the name of a tool, the last two with `*`. The pattern must have no problem. */
export function compileToolPattern(pattern: string): (operation: OperationFacts) => boolean {
  const [kind, text] = split(pattern);
  if (kind === 'class') return ({ accessClass }) => accessClass === text;
  const matches = compileGlob(text);
  return kind === 'area' ? ({ area }) => matches(area) : ({ name }) => matches(name);
}

/** Why a pattern cannot be used and what to write instead; names are looked up only if there are `operations`. */
export function findToolPatternProblem(pattern: string, operations?: readonly KnownOperation[]): string | undefined {
  const problem = findPatternProblem(pattern);
  if (problem !== undefined) return problem;
  const lower = pattern.toLowerCase();
  if (pattern !== lower) return `has capital letters, and no tool has; write ${lower}`;
  const [kind, text] = split(pattern);
  if (kind === 'class') return findClassProblem(text);
  if (text.includes(':')) return 'has a colon; only `area:` and `class:` may stand before a name';
  if (/[^a-z0-9_/*-]/.test(text) || text === '') {
    return 'is no name; lower-case letters, digits, _, - and / make one, and * stands for any run of them';
  }
  if (text.includes('*') || operations === undefined) return undefined;
  return kind === 'area' ? findAreaProblem(text, operations) : findNameProblem(text, operations);
}

function split(pattern: string): [kind: 'class' | 'area' | 'name', text: string] {
  if (pattern.startsWith('class:')) return ['class', pattern.slice('class:'.length)];
  if (pattern.startsWith('area:')) return ['area', pattern.slice('area:'.length)];
  return ['name', pattern];
}

function findClassProblem(name: string): string | undefined {
  const classes: readonly string[] = AccessClass.options;
  return classes.includes(name) ? undefined : `names no class; the classes are ${classes.join(', ')}`;
}

function findAreaProblem(name: string, operations: readonly KnownOperation[]): string | undefined {
  const areas = [...new Set(operations.map(({ area }) => area))];
  return areas.includes(name) ? undefined : `names no area; ${suggest(name, areas)}`;
}

function findNameProblem(name: string, operations: readonly KnownOperation[]): string | undefined {
  const names = operations.map((operation) => operation.name);
  if (names.includes(name)) return undefined;
  const canonical = operations.find(({ alsoKnownAs }) => Object.hasOwn(alsoKnownAs, name));
  if (canonical) return `names an alias, and rules go by the tool's own name; write ${canonical.name}`;
  return `names no tool; ${suggest(name, names)}`;
}

function suggest(name: string, names: readonly string[]): string {
  const near = nearest(name, names);
  return near === undefined ? `\`howdah tools\` lists what there is` : `did you mean ${near}?`;
}
