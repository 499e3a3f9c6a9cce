import { Worker } from 'node:worker_threads';
import { READY, type Outcome, type ParseReply, type ParseRequest, type Wish } from './parser-messages.ts';

export interface ParserOptions {
  /** The worker ends after so long without work, to give its memory back. */
  readonly idleMs?: number | undefined;
  /** How long one text may take before the worker is replaced. */
  readonly textMs?: number | undefined;
  /** How long the texts of one request may take together. */
  readonly requestMs?: number | undefined;
}

/** PostgreSQL's parser in a thread of its own, started at the first need. It never keeps the process alive by itself. */
export interface Parser {
  /** One outcome for each text, in order. Never rejects. */
  ask(wish: Wish, texts: readonly string[]): Promise<readonly Outcome[]>;
  close(): Promise<void>;
}

interface Job extends ParseRequest {
  readonly outcomes: Outcome[];
  readonly resolve: (outcomes: readonly Outcome[]) => void;
}

const START_MS = 10_000;
/** A chain of operators 64 kB long needs a stack of some 20 MB. */
const RESOURCE_LIMITS = { stackSizeMb: 32, maxOldGenerationSizeMb: 256 };
/** Beside this file, in TypeScript as in what is built from it. */
const WORKER_URL = new URL(
  /\.ts(\?|$)/.test(import.meta.url) ? './parser-worker.ts' : './parser-worker.js',
  import.meta.url,
);
/** Node 20 does not hand on to threads what loads TypeScript; what is built needs none. */
const REGISTER = `import{register}from"node:module";register("tsx/esm",${JSON.stringify(WORKER_URL.href)},{data:{}})`;
const EXEC_ARGV = WORKER_URL.pathname.endsWith('.ts') ? ['--import', `data:text/javascript,${REGISTER}`] : [];

export function createParser({ idleMs = 60_000, textMs = 500, requestMs = 1000 }: ParserOptions = {}): Parser {
  const queue: Job[] = [];
  let current: Job | undefined;
  let worker: Worker | undefined;
  let ready = false;
  let closed = false;
  let lastId = 0;
  let watchdog: NodeJS.Timeout | undefined;
  let idle: NodeJS.Timeout | undefined;

  function startWorker(): Worker {
    const started = new Worker(WORKER_URL, { resourceLimits: RESOURCE_LIMITS, execArgv: EXEC_ARGV, env: {} });
    let cause: unknown = new Error('The parser thread ended.');
    started.on('message', (message: ParseReply | typeof READY) => started === worker && hear(message));
    started.on('error', (error) => (cause = error));
    started.on('exit', () => {
      if (started === worker) void lose({ kind: ready ? 'crashed' : 'unavailable', cause });
    });
    ready = false;
    return started;
  }

  function hear(message: ParseReply | typeof READY): void {
    if (message === READY) ready = true;
    else if (message.id === current?.id) current.outcomes.push(message.outcome);
    if (current !== undefined && current.outcomes.length === current.texts.length) finish(current);
    else watch();
  }

  /** Gives the worker up; the text that it was at gets `outcome`. */
  function lose(outcome: Outcome): Promise<unknown> | undefined {
    const lost = worker;
    worker = undefined;
    clearTimeout(watchdog);
    if (current !== undefined) {
      current.outcomes.push(outcome);
      finish(current);
    }
    return lost?.terminate();
  }

  function finish(job: Job): void {
    clearTimeout(watchdog);
    current = undefined;
    while (job.outcomes.length < job.texts.length) job.outcomes.push({ kind: 'skipped' });
    job.resolve(job.outcomes);
    next();
  }

  function next(): void {
    if (current !== undefined) return;
    current = queue.shift();
    clearTimeout(idle);
    if (current === undefined) return rest();
    const { id, wish, texts, budgetMs } = current;
    worker ??= startWorker();
    worker.ref();
    worker.postMessage({ id, wish, texts, budgetMs } satisfies ParseRequest, []);
    watch();
  }

  function rest(): void {
    worker?.unref();
    idle = setTimeout(() => void lose({ kind: 'skipped' }), idleMs).unref();
  }

  /** Allows the worker the time for one more step. */
  function watch(): void {
    clearTimeout(watchdog);
    if (current === undefined) return;
    const [job, done] = [current, current.outcomes.length];
    const late: Outcome = ready
      ? { kind: 'timeout' }
      : { kind: 'unavailable', cause: new Error('The parser did not start.') };
    watchdog = setTimeout(
      // what arrived while this thread was busy is heard before the verdict
      () => setImmediate(() => job === current && done === job.outcomes.length && void lose(late)),
      ready ? textMs : START_MS,
    );
  }

  return {
    ask: (wish, texts) =>
      new Promise((resolve) => {
        if (texts.length === 0) return resolve([]);
        if (closed)
          return resolve(texts.map(() => ({ kind: 'unavailable', cause: new Error('The parser was closed.') })));
        queue.push({ id: ++lastId, wish, texts, budgetMs: requestMs, outcomes: [], resolve });
        next();
      }),
    close: async () => {
      closed = true;
      for (const job of queue.splice(0)) job.resolve(job.texts.map(() => ({ kind: 'skipped' })));
      await lose({ kind: 'skipped' });
      clearTimeout(idle);
    },
  };
}
