/**
 * The thread that runs PostgreSQL's parser. One overflow of the stack can leave the parser dead for every later
 * statement, so whatever it throws, other than a syntax error, ends this thread, and `parser.ts` starts another.
 */
import { parentPort } from 'node:worker_threads';
import { hasSqlDetails, loadModule, parseSync } from 'libpg-query';
import { READY, type Outcome, type ParseReply, type ParseRequest, type Wish } from './parser-messages.ts';
import { withheldByTree } from './withheld-statements.ts';

/** Levels of objects in a parse tree; a chain of 1,000 operators has 2,011. A reader may recurse so deep. */
const MAX_TREE_DEPTH = 2500;
/** What the parser says when its own stacks are full. */
const TOO_DEEP = /^memory exhausted|^stack depth limit exceeded/;

const port = parentPort;
if (port === null) throw new Error('This file is the entry of a worker thread.');
await loadModule();
port.on('message', ({ id, wish, texts, budgetMs }: ParseRequest) => {
  const end = performance.now() + budgetMs;
  for (const text of texts) {
    const outcome: Outcome = performance.now() < end ? parse(text, wish) : { kind: 'skipped' };
    port.postMessage({ id, outcome } satisfies ParseReply);
  }
});
port.postMessage(READY);

function parse(text: string, wish: Wish): Outcome {
  let tree;
  try {
    tree = parseSync(text === '' ? ' ' : text); // an empty text is an error to the binding, not to PostgreSQL
  } catch (error) {
    if (!hasSqlDetails(error)) throw error;
    if (TOO_DEEP.test(error.message)) return { kind: 'too deep' };
    return { kind: 'syntax error', message: error.message, position: (error.sqlDetails?.cursorPosition ?? 0) + 1 };
  }
  if (wish === 'verdict') return { kind: 'parsed', withheld: withheldByTree(tree) };
  return isTooDeep(tree) ? { kind: 'too deep' } : { kind: 'tree', json: JSON.stringify(tree) };
}

function isTooDeep(tree: object): boolean {
  const left: [object, number][] = [[tree, 1]];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    const [node, depth] = next;
    if (depth > MAX_TREE_DEPTH) return true;
    for (const child of Object.values(node)) {
      if (typeof child === 'object' && child !== null) left.push([child as object, depth + 1]);
    }
  }
  return false;
}
