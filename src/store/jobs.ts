import type { StoreConnection } from './connection.ts';

/** Work in the background that one process of all does. */
export interface Job {
  /** Such as `audit_partitions`. */
  readonly name: string;
  readonly everyMs: number;
  /** `signal` aborts when the process ends: what takes long stops at a place where it can go on. */
  run(signal: AbortSignal): Promise<void>;
}

export interface Jobs {
  /** Does a job now if no other process does it, in place of waiting for its time. */
  runNow(name: string): Promise<void>;
  close(): Promise<void>;
}

interface JobsOptions {
  /** For this alone: the locks are of its session, so that they end with it. */
  readonly connection: StoreConnection;
  readonly warn: (message: string, error: unknown) => void;
}

/** An advisory lock of the store's database for each job, by the hash of its name. */
const TRY = `select pg_catalog.pg_try_advisory_lock(1213159237, pg_catalog.hashtext($1))::text`;
const UNLOCK = `select pg_catalog.pg_advisory_unlock(1213159237, pg_catalog.hashtext($1))::text`;

/** The only runner of background work: each job at its pace, here or in another process that has the same store. */
export function runJobs(jobs: readonly Job[], { connection, warn }: JobsOptions): Jobs {
  const running = new Map<string, Promise<void>>();
  const timers = new Set<NodeJS.Timeout>();
  const troubled = new Set<string>();
  const closing = new AbortController();
  let closed = false;

  /** The lock is let go of after every turn: whoever is alive takes the next one. */
  async function take(job: Job): Promise<void> {
    const { name } = job;
    try {
      const [result] = await connection.exchange([{ text: TRY, values: [name] }]);
      if (result?.rows[0]?.[0] !== 'true') return;
      try {
        await job.run(closing.signal);
      } finally {
        await connection.exchange([{ text: UNLOCK, values: [name] }]);
      }
      troubled.delete(name);
    } catch (error) {
      // once for each trouble: it comes again at every turn
      if (!troubled.has(name)) warn(`the background job ${name} failed`, error);
      troubled.add(name);
    }
  }

  function turn(job: Job): Promise<void> {
    const current = running.get(job.name) ?? take(job).finally(() => running.delete(job.name));
    running.set(job.name, current);
    return current;
  }

  for (const job of jobs) {
    const timer = setInterval(() => void turn(job), job.everyMs).unref();
    timers.add(timer);
  }

  return {
    async runNow(name) {
      const job = jobs.find((each) => each.name === name);
      if (job !== undefined && !closed) await turn(job);
    },
    async close() {
      closed = true;
      closing.abort();
      for (const timer of timers) clearInterval(timer);
      await Promise.all(running.values());
    },
  };
}
