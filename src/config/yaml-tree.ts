import type * as Yaml from 'yaml';
import { configKeys } from './key.ts';
import { createConfigError, formatPath, type Problem } from './problem.ts';
import type { Path } from './tree.ts';

/** A configuration has five levels; deeper nesting would exhaust the stack of the YAML composer. */
const DEEPEST = 50;
/** How many values may come from aliases, which multiply each other. */
const ALIASED_VALUES = 10_000;

/**
 * Parses one YAML 1.2 document into plain values; null, and so a key without a value, becomes undefined. Fails with
 * CONFIG_INVALID that names line and column, and shows nothing of a line that could be secret. What is YAML and yet
 * cannot be meant goes to `problems`.
 */
export async function parseYamlTree(text: string, source: string, problems: Problem[]): Promise<unknown> {
  const yaml: typeof Yaml = await import('yaml');
  const lines = new yaml.LineCounter();
  const refuse = (message: string) => createConfigError(source, [{ path: '', message }]);
  const tokens = readTokens(yaml, text, lines);
  if (tokens.some(({ type }) => type === 'directive')) throw refuse('has a line that begins with %; take it away');
  if (tokens.some((token) => depthOf(token) > DEEPEST)) throw refuse(`is nested deeper than ${DEEPEST} levels`);
  const composer = new yaml.Composer({ version: '1.2', uniqueKeys: false, stringKeys: true, prettyErrors: false });
  const [document, second] = composer.compose(tokens, true, text.length);
  if (second) throw refuse('has several documents; keep one, without ---');
  // one fault often brings others with it
  const error = document?.errors[0] ?? document?.warnings[0];
  if (error) throw createConfigError(source, [describeSyntaxError(error.code, lines.linePos(error.pos[0]), text)]);
  return createReader(yaml, problems).read(document?.contents ?? null, []);
}

/** Stops at the first token that cannot be YAML and at a second document: the rest would be work for nothing. */
function readTokens(yaml: typeof Yaml, text: string, lines: Yaml.LineCounter): Yaml.CST.Token[] {
  const tokens: Yaml.CST.Token[] = [];
  let documents = 0;
  for (const token of new yaml.Parser(lines.addNewLine).parse(text)) {
    tokens.push(token);
    if (token.type === 'document') documents += 1;
    if (token.type === 'error' || documents > 1) break;
  }
  return tokens;
}

/** Without recursion, since it is there to prevent too much of it. */
function depthOf(root: Yaml.CST.Token): number {
  let deepest = 0;
  const pending: [token: Yaml.CST.Token, depth: number][] = [[root, 0]];
  for (let next = pending.pop(); next; next = pending.pop()) {
    const [token, depth] = next;
    deepest = Math.max(deepest, depth);
    if (token.type === 'document' && token.value) pending.push([token.value, depth + 1]);
    for (const { key, value } of 'items' in token ? token.items : []) {
      if (key) pending.push([key, depth + 1]);
      if (value) pending.push([value, depth + 1]);
    }
  }
  return deepest;
}

interface Reader {
  read(node: Yaml.Node | null, path: Path): unknown;
}

function createReader(yaml: typeof Yaml, problems: Problem[]): Reader {
  const anchors = new Map<string, { readonly value: unknown; readonly size: number }>();
  let size = 0;
  let aliased = 0;
  const report = (path: Path, message: string) => problems.push({ path: formatPath(path), message });

  function read(node: Yaml.Node | null, path: Path): unknown {
    const before = size++;
    const value = readValue(node, path);
    const anchor = node && 'anchor' in node ? node.anchor : undefined;
    if (anchor !== undefined) anchors.set(anchor, { value, size: size - before });
    return value;
  }

  function readValue(node: Yaml.Node | null, path: Path): unknown {
    if (yaml.isAlias(node)) return readAlias(node.source, path);
    if (yaml.isSeq<Yaml.Node | null>(node)) return node.items.map((item, i) => read(item, [...path, i]));
    if (yaml.isMap<Yaml.Node, Yaml.Node | null>(node)) {
      const entries = new Map<string, unknown>();
      for (const { key, value } of node.items) {
        const name = yaml.isScalar(key) ? String(key.value) : '';
        const place = [...path, name];
        if (entries.has(name)) report(place, 'is given twice; keep one');
        // zod leaves this key out of records without a word
        if (name === '__proto__') report(place, 'is a name that cannot be used; choose another');
        entries.set(name, read(value, place));
      }
      return Object.fromEntries(entries);
    }
    return yaml.isScalar(node) ? (node.value ?? undefined) : undefined;
  }

  function readAlias(name: string, path: Path): unknown {
    const target = anchors.get(name);
    if (!target) {
      report(path, 'has an alias whose anchor is not complete above it; write the value');
      return undefined;
    }
    size += target.size;
    aliased += target.size;
    if (aliased <= ALIASED_VALUES) return target.value;
    if (aliased - target.size <= ALIASED_VALUES) report(path, 'has too many aliases; write the values');
    return undefined;
  }

  return { read };
}

/** Our own words, since those of the library can quote the text. */
const SYNTAX: Partial<Record<Yaml.ErrorCode, string>> = {
  BAD_ALIAS: 'is an alias that cannot be used; put a value that begins with * in quotes',
  BAD_DQ_ESCAPE: 'has a backslash that escapes nothing; use single quotes',
  BAD_INDENT: 'is indented wrongly, or a bracket before it is open; align it with its neighbours',
  BAD_SCALAR_START: 'begins with a character that needs quotes around the value',
  BLOCK_AS_IMPLICIT_KEY: 'has a second colon; put the value in quotes',
  MISSING_CHAR: 'lacks a closing quote, bracket, comma or space after a colon',
  MULTIPLE_DOCS: 'begins a second document; keep one, without ---',
  NON_STRING_KEY: 'has a key that is no text; put it in quotes',
  TAB_AS_INDENT: 'is indented with a tab; use spaces',
  TAG_RESOLVE_FAILED: 'has a tag; put a value that begins with ! in quotes',
};

function describeSyntaxError(
  code: Yaml.ErrorCode,
  { line, col }: { line: number; col: number },
  text: string,
): Problem {
  const message = SYNTAX[code] ?? 'is not YAML here; look for a missing quote, colon or indentation';
  const shown = showLine(text.split(/\r?\n/, line)[line - 1] ?? '');
  return { path: `line ${line}, column ${col}${shown}:`, message };
}

/** A line up to its first key, if that is a key of ours: everything else may be secret. */
function showLine(line: string): string {
  const [, key = ''] = /^[\s-]*([a-z_]+)\s*:/.exec(line) ?? [];
  const known = configKeys().some(({ path }) => path.split('.').includes(key));
  return known ? ` (\`${key}: …\`)` : '';
}
