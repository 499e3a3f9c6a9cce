/**
 * Whether an XPath is evaluated in a time that grows with the document, and not with its square or cube. libxml2 hears of
 * no interrupt: neither statement_timeout nor pg_terminate_backend() ends a search that takes hours. Only what is told here
 * is let pass; whether it is an XPath at all is left to PostgreSQL.
 */
export function isBoundedPath(path: string): boolean {
  if (path.length > LONGEST_PATH) return false;
  const tokens = tokensOf(path);
  if (tokens === undefined) return false;
  let depth = 0;
  for (const [i, token] of tokens.entries()) {
    if (token === '[' && ++depth > 1) return false;
    if (token === ']') depth--;
    if (!isBounded(tokens, i, depth > 0)) return false;
  }
  return depth === 0;
}

const LONGEST_PATH = 1000;
const TOKEN =
  /\s+|"[^"]*"|'[^']*'|\d+(?:\.\d*)?|\.\d+|\/\/|\.\.|::|!=|<=|>=|[/.@[\](),=<>+*-]|[\p{L}_][\p{L}\p{N}\p{M}_.-]*(?::(?:\*|[\p{L}_][\p{L}\p{N}\p{M}_.-]*))?/uy;

/** Without strings, whose place is `''`; undefined where there is anything else, such as a union or a variable. */
function tokensOf(path: string): string[] | undefined {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < path.length) {
    const [token] = TOKEN.exec(path) ?? [];
    if (token === undefined) return undefined;
    if (token.trim() !== '') tokens.push(/^["']/.test(token) ? "''" : token);
  }
  return tokens;
}

const AXES = new Set(['child', 'attribute']);
const NODE_TESTS = new Set(['text', 'node', 'comment', 'processing-instruction']);
/** Of XPath 1.0, all that give no nodes. */
const FUNCTIONS = new Set(
  `last position count sum string number boolean not true false name local-name namespace-uri concat contains starts-with
  substring substring-before substring-after string-length normalize-space translate floor ceiling round`.split(/\s+/),
);
const COMPARISONS = new Set(['=', '!=', '<', '<=', '>', '>=']);

function isBounded(tokens: readonly string[], i: number, isPredicate: boolean): boolean {
  const [token = '', before = '', after] = [tokens[i], tokens[i - 1], tokens[i + 1]];
  if (token === '(') return !isName(before) || FUNCTIONS.has(before) || NODE_TESTS.has(before);
  if (after === '::') return AXES.has(token);
  if (COMPARISONS.has(token)) return isScalarBefore(tokens, i - 1) || isScalarAfter(tokens, i + 1);
  return isPredicate ? staysBelow(token, before) : isBoundedStep(tokens, i);
}

/** From the root or a parent, a predicate would look at all for each. */
function staysBelow(token: string, before: string): boolean {
  return token !== '//' && token !== '..' && (token !== '/' || isStep(before));
}

function isBoundedStep(tokens: readonly string[], i: number): boolean {
  const [token, before] = [tokens[i], tokens[i - 1]];
  if (token === '//') return !isStep(before) || isSingle(tokens, i);
  if (token === '.' || token === '..') return startsPath(tokens, i);
  return true;
}

function isName(token = ''): boolean {
  return /^[\p{L}_]/u.test(token) && token !== 'and' && token !== 'or';
}

/** Whether a path may go on behind it. */
function isStep(token = ''): boolean {
  return isName(token) || ['*', '.', '..', ')', ']'].includes(token);
}

/** Whether what stands before is one node at most: `/a`, or dots at the start of a path. */
function isSingle(tokens: readonly string[], i: number): boolean {
  const before = tokens[i - 1];
  if (before === '.' || before === '..') return true;
  return (isName(before) || before === '*') && tokens[i - 2] === '/' && !isStep(tokens[i - 3]);
}

/** Whether nothing but dots and slashes stand before it. */
function startsPath(tokens: readonly string[], i: number): boolean {
  let at = i - 1;
  while (tokens[at] === '/' && (tokens[at - 1] === '..' || tokens[at - 1] === '.')) at -= 2;
  return tokens[at] !== '/' && tokens[at] !== '//';
}

function isScalarAfter(tokens: readonly string[], i: number): boolean {
  const token = tokens[i] ?? '';
  if (/^['\d.]/.test(token) && token !== '.' && token !== '..') return true;
  if (token === '-') return isScalarAfter(tokens, i + 1);
  return FUNCTIONS.has(token) && tokens[i + 1] === '(';
}

function isScalarBefore(tokens: readonly string[], i: number): boolean {
  const token = tokens[i] ?? '';
  if (/^['\d]/.test(token)) return true;
  if (token !== ')') return false;
  let depth = 0;
  for (let at = i; at >= 0; at--) {
    if (tokens[at] === ')') depth++;
    if (tokens[at] === '(' && --depth === 0) return FUNCTIONS.has(tokens[at - 1] ?? '');
  }
  return false;
}
