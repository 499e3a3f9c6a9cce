import type * as Yaml from 'yaml';
import { z } from 'zod';
import { parseYamlTree } from '../../config/yaml-tree.ts';
import { formatPath, type Problem } from '../../config/problem.ts';
import { PlatformError } from '../../core/errors.ts';
import { nearest } from '../../core/nearest.ts';

const Expected = z.union([
  z.string().min(1),
  z.strictObject({
    tool: z.string().min(1).optional(),
    server: z.string().min(1).optional(),
    database: z.string().min(1).optional(),
    rule: z.string().min(1).optional(),
  }),
]);

const Expectation = z
  .strictObject({
    as: z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]),
    persona: z.string().min(1).optional(),
    allow: z.array(Expected).default([]),
    deny: z.array(Expected).default([]),
  })
  .refine(({ persona, allow, deny }) => persona !== undefined || allow.length + deny.length > 0, {
    error: 'expects nothing; add persona, allow or deny',
  });

const File = z.strictObject({ expectations: z.array(Expectation).min(1) });

export type Expectation = z.output<typeof Expectation>;
export type Expected = z.output<typeof Expected>;

type Path = readonly (string | number)[];

export interface Expectations {
  readonly expectations: readonly Expectation[];
  /** The line that a place stands on; undefined for what is not there. */
  readonly lineOf: (path: Path) => number | undefined;
}

/** Parses a file of expectations. Fails with INVALID_INPUT, which has every problem of its form. */
export async function parseExpectations(text: string, source: string): Promise<Expectations> {
  const problems: Problem[] = [];
  const tree = await parseYamlTree(text, source, problems).catch((error: unknown) => {
    throw error instanceof PlatformError ? invalid(error.message.split('\n').map((line) => line.trim())) : error;
  });
  const { data, error } = File.safeParse(tree ?? {});
  const lineOf = await readLines(text);
  const found = [...problems, ...(error?.issues ?? []).flatMap((issue) => describeIssue(issue, []))];
  if (!data || found.length > 0) {
    throw invalid([
      `${source} has ${found.length === 1 ? 'a problem' : `${found.length} problems`}:`,
      ...found.map(({ path, message }) => `${path === '' ? 'the file' : path} ${message}`),
    ]);
  }
  return { expectations: data.expectations, lineOf };
}

export function invalid(lines: readonly string[]): PlatformError {
  return new PlatformError('INVALID_INPUT', lines.slice(0, 100).join('\n  '), {
    hint: 'docs/personas.md shows how expectations are written.',
  });
}

async function readLines(text: string): Promise<Expectations['lineOf']> {
  const yaml: typeof Yaml = await import('yaml');
  const lines = new yaml.LineCounter();
  const document = yaml.parseDocument(text, { lineCounter: lines, uniqueKeys: false });
  return (path) => {
    const node = document.getIn(path, true);
    return yaml.isNode(node) && node.range ? lines.linePos(node.range[0]).line : undefined;
  };
}

const KEYS: Readonly<Record<string, readonly string[]>> = {
  '': Object.keys(File.shape),
  expectation: Object.keys(Expectation.shape),
  expected: ['tool', 'server', 'database', 'rule'],
};

function describeIssue(issue: z.core.$ZodIssue, parent: Path): Problem[] {
  const path = [...parent, ...(issue.path as Path)];
  if (issue.code === 'invalid_union') {
    // the form that was meant: the one whose kind of value was given
    const meant = issue.errors.filter(
      (issues) => !issues.some(({ code, path }) => code === 'invalid_type' && path.length === 0),
    );
    if (meant.length === 1 && meant[0]) return meant[0].flatMap((inner) => describeIssue(inner, path));
    return [{ path: formatPath(path), message: 'is in none of the forms that it may have' }];
  }
  if (issue.code !== 'unrecognized_keys') return [{ path: formatPath(path), message: describeValue(issue) }];
  const keys = KEYS[path.length === 0 ? '' : path.length === 2 ? 'expectation' : 'expected'] ?? [];
  return issue.keys.map((key) => {
    const near = nearest(key, keys);
    const advice = near === undefined ? `there are ${keys.join(', ')}` : `did you mean \`${near}\`?`;
    return { path: formatPath([...path, key]), message: `is an unknown key; ${advice}` };
  });
}

function describeValue(issue: z.core.$ZodIssue): string {
  if (issue.code === 'too_small') return 'is empty';
  if (issue.code === 'invalid_type')
    return issue.input === undefined ? 'is missing or of another kind' : `must be ${issue.expected}`;
  return issue.message;
}
