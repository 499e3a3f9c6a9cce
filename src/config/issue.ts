import type { z } from 'zod';
import { nearest } from '../core/nearest.ts';
import { childKeys, findKey } from './key.ts';
import { formatKey, formatPath, type Problem } from './problem.ts';
import { valueAt, type Path } from './tree.ts';

type Issue = z.core.$ZodIssue;

/** Keys that users of similar software expect, and how the same is written here. */
const WRITTEN_AS: Readonly<Record<string, string>> = {
  connections: 'servers: { <name>: { url: … } }',
  databases: 'servers: { <name>: { url: … } }',
  database_url: 'servers: { <name>: { url: … } }',
  log_level: 'telemetry: { log_level: … }',
  persona: 'stdio: { persona: … }',
};

/** What is wrong with a tree, in words that never show a value of it. */
export function describeIssues(issues: readonly Issue[], tree: unknown): Problem[] {
  return issues.flatMap((issue) => describeIssue(issue, [], tree));
}

function describeIssue(issue: Issue, parent: Path, tree: unknown): Problem[] {
  const path = [...parent, ...issue.path];
  if (issue.code === 'invalid_union') return describeUnion(issue, path, tree);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ path: formatPath([...path, key]), message: describeUnknownKey(key, path) }));
  }
  return [{ path: formatPath(path), message: describeValue(issue, path, tree) }];
}

function describeValue(issue: Issue, path: Path, tree: unknown): string {
  if (issue.code === 'invalid_key')
    return `has a name that cannot be used; ${issue.issues[0]?.message ?? 'choose another'}`;
  if (issue.code === 'invalid_type') return describeType(issue.expected, valueAt(tree, path)) + purposeOf(path);
  if (issue.code === 'invalid_value') return `must be one of ${issue.values.map(String).join(', ')}`;
  if (issue.code === 'too_big') return `must be at most ${issue.maximum}`;
  if (issue.code === 'too_small') {
    return typeof valueAt(tree, path) === 'number' ? `must be at least ${issue.minimum}` : `is empty${purposeOf(path)}`;
  }
  const isOurs = issue.code === 'custom' || !issue.message.startsWith('Invalid');
  return isOurs ? issue.message : `is not in the expected form${purposeOf(path)}`;
}

/** The problems of the form that was meant: the one whose kind of value was given. */
function describeUnion(issue: z.core.$ZodIssueInvalidUnion, path: Path, tree: unknown): Problem[] {
  const meant = issue.errors.filter(
    (issues) => !issues.some(({ code, path }) => code === 'invalid_type' && path.length === 0),
  );
  if (meant.length === 1 && meant[0]) return meant[0].flatMap((inner) => describeIssue(inner, path, tree));
  return [
    {
      path: formatPath(path),
      message: `is ${typeOf(valueAt(tree, path))}, which has no meaning here${purposeOf(path)}`,
    },
  ];
}

function describeUnknownKey(key: string, parent: Path): string {
  if (parent.length === 0 && Object.hasOwn(WRITTEN_AS, key)) return `is no key; write ${WRITTEN_AS[key]}`;
  const keys = childKeys(findKey(parent));
  const near = nearest(key, keys);
  if (near !== undefined) return `is an unknown key; did you mean \`${near}\`?`;
  return `is an unknown key; ${parent.length === 0 ? 'the keys are' : `under ${formatKey(parent.at(-1) ?? '')} there are`} ${keys.join(', ')}`;
}

function describeType(expected: string, value: unknown): string {
  if (value === undefined) return 'is missing';
  const wanted = TYPES[expected] ?? expected;
  const quoted = expected === 'string' && typeof value !== 'object' ? '; put it in quotes' : '';
  return `must be ${wanted}, not ${typeOf(value)}${quoted}`;
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  array: 'a list',
  object: 'a mapping',
  record: 'a mapping',
};

function typeOf(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  const names: Readonly<Record<string, string>> = { string: 'text', number: 'a number', boolean: 'true or false' };
  return names[typeof value] ?? 'a mapping';
}

/** What the key is for, as the next thing to know. */
function purposeOf(path: Path): string {
  const description = findKey(path)?.description;
  return description === undefined ? '' : `. ${description}`;
}
