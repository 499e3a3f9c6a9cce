/**
 * The thread that runs PostgreSQL's parser. One overflow of the stack can leave the parser dead for every later
 * statement, so whatever it throws, other than a syntax error, ends this thread, and `parser.ts` starts another.
 */
import { parentPort } from 'node:worker_threads';
import type { ParseResult } from 'libpg-query';
import { loadParser } from './parser-binding.ts';
import { READY, type Outcome, type ParseReply, type ParseRequest, type Wish } from './parser-messages.ts';
import { withheldByTree } from './withheld-statements.ts';

/** Levels of objects in a parse tree; a chain of 1,000 operators has 2,011. A reader may recurse so deep. */
const MAX_TREE_DEPTH = 2500;
/** What the parser says when its own stacks are full. */
const TOO_DEEP = /^memory exhausted|^stack depth limit exceeded/;
const [QUOTE, BACKSLASH, BRACE, END_BRACE, BRACKET, END_BRACKET] = Array.from('"\\{}[]', (each) => each.charCodeAt(0));

const port = parentPort;
if (port === null) throw new Error('This file is the entry of a worker thread.');
const parseText = await loadParser();
port.on('message', ({ id, wish, texts, budgetMs }: ParseRequest) => {
  const end = performance.now() + budgetMs;
  for (const text of texts) {
    const outcome: Outcome = performance.now() < end ? parse(text, wish) : { kind: 'skipped' };
    port.postMessage({ id, outcome } satisfies ParseReply);
  }
});
port.postMessage(READY);

function parse(text: string, wish: Wish): Outcome {
  const parsed = parseText(text);
  if ('message' in parsed) {
    const { message, position } = parsed;
    return TOO_DEEP.test(message) ? { kind: 'too deep' } : { kind: 'syntax error', message, position };
  }
  const { json } = parsed;
  if (wish === 'verdict') return { kind: 'parsed', withheld: withheldByTree(JSON.parse(json) as ParseResult) };
  return isTooDeep(json) ? { kind: 'too deep' } : { kind: 'tree', json };
}

/** Counts levels in the text, which costs a tenth of reading it; every other bracket stands in a string. */
function isTooDeep(json: string): boolean {
  let depth = 0;
  for (let at = 0; at < json.length; at++) {
    const character = json.charCodeAt(at);
    if (character === QUOTE) at = endOfString(json, at);
    else if (character === BRACE || character === BRACKET) {
      if (++depth > MAX_TREE_DEPTH) return true;
    } else if (character === END_BRACE || character === END_BRACKET) depth--;
  }
  return false;
}

/** Where the string that begins at `from` has its closing quote. */
function endOfString(json: string, from: number): number {
  for (let at = from + 1; at < json.length; at++) {
    const character = json.charCodeAt(at);
    if (character === QUOTE) return at;
    if (character === BACKSLASH) at++;
  }
  return json.length;
}
