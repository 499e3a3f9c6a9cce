import type { CallContext } from '../../calls/context.ts';
import type { Output } from '../../calls/operation.ts';
import { startDeadline } from '../../core/deadline.ts';
import { toPlatformError, type PlatformError } from '../../core/errors.ts';
import { requireTarget, type Tool } from '../kit/tool.ts';

/** What became of one diagnostic. */
export type Examination = { readonly tool: Tool } & (
  | { readonly state: 'answered'; readonly output: Output }
  | { readonly state: 'failed'; readonly error: PlatformError }
  | { readonly state: 'unfinished' }
);

/** Diagnostics that run at once; one connection of the four that a server has by default is left for other callers. */
const AT_ONCE = 3;
/** What is left of a call's time for putting the answer together. */
const RESERVED_MS = 250;

/** Failures that every other diagnostic would have too. */
const HOPELESS: ReadonlySet<string> = new Set(['SERVER_UNREACHABLE', 'NOT_FOUND', 'UNAVAILABLE']);

/**
 * Runs diagnostics with the inputs that they have by default, in their order, within the time of the call: what does not
 * end in time is `unfinished`. Fails when the server cannot be reached, and when the caller leaves.
 */
export async function examine(tools: readonly Tool[], context: CallContext): Promise<Examination[]> {
  const [first, ...others] = tools;
  if (first === undefined) return [];
  const budget = startDeadline(Math.max(1, context.deadline.remainingMs() - RESERVED_MS), context.deadline.signal);
  let done = 0;
  const run = async (tool: Tool): Promise<Examination> => {
    const examination = await examineOne(tool, context, budget);
    context.progress(tool.title, ++done, tools.length);
    return examination;
  };
  try {
    // alone, so that a server that is not there is asked once
    const opening = await run(first);
    if (opening.state === 'failed' && HOPELESS.has(opening.error.code)) throw opening.error;
    return [opening, ...(await inParallel(others, run))];
  } finally {
    budget.clear();
  }
}

async function examineOne(tool: Tool, context: CallContext, budget: CallContext['deadline']): Promise<Examination> {
  const leftMs = budget.remainingMs();
  if (leftMs === 0) return { tool, state: 'unfinished' };
  const input = tool.input.parse({});
  const ownMs = tool.timeoutMs?.(input) ?? Infinity;
  const deadline = startDeadline(Math.min(ownMs, leftMs), budget.signal);
  const target = requireTarget(context).within(deadline);
  try {
    const output = await tool.run({ ...context, input, deadline, target, progress: () => undefined });
    return { tool, state: 'answered', output };
  } catch (error) {
    if (context.deadline.signal.aborted) throw error;
    const failure = toPlatformError(error);
    const cutShort = budget.signal.aborted || (failure.code === 'TIMEOUT' && leftMs <= ownMs);
    return cutShort ? { tool, state: 'unfinished' } : { tool, state: 'failed', error: failure };
  } finally {
    deadline.clear();
  }
}

/** Keeps the order of `items`. */
async function inParallel<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const queue = items.entries();
  const worker = async () => {
    for (const [i, item] of queue) results[i] = await work(item);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return results;
}
