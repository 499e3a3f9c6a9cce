import { join } from 'node:path';
import type { Config } from '../config/schema.ts';
import type { Job, Jobs } from '../store/jobs.ts';
import type { EmbeddedUse, Store } from '../store/open-store.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Checkpoints } from './checkpoints.ts';
import type { AuditLog } from './event.ts';
import { openAuditFile } from './file.ts';
import type { ForwardOptions } from './forward.ts';
import type { StoreReader } from './store-reader.ts';

/** The audit log, and what is there beside it where it is in a store. Whoever opened it closes each. */
export interface Log {
  readonly audit: AuditLog;
  /** Undefined, like what follows, where only files are kept. */
  readonly store: Store | undefined;
  readonly reader: StoreReader | undefined;
  readonly jobs: Jobs | undefined;
  readonly checkpoints: Checkpoints | undefined;
}

export interface LogOptions {
  readonly config: Config;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly logger: Logger;
  /** Of Howdah. */
  readonly version: string;
  /** What `stateDirectory` gives. */
  readonly stateDir: string;
  readonly embeddedStore: EmbeddedUse;
  /** Background work of others in the same store. */
  readonly moreJobs: (store: Store, audit: AuditLog) => readonly Job[];
}

type Warn = (message: string, error?: unknown) => void;

/** In the store, or where there is none in a file of this process. What only a store needs is loaded only then. */
export async function openLog(options: LogOptions): Promise<Log> {
  const { config, env, logger, stateDir, embeddedStore } = options;
  const warn: Warn = (message, error) => logger.warn({ err: error }, message);
  if (config.store.url === undefined && embeddedStore === 'none') return openFile(options, warn);
  const { findStore, openStore } = await import('../store/open-store.ts');
  const place = { config, env, stateDir, warn };
  const kind = await findStore(place, embeddedStore);
  if (kind === 'none') return openFile(options, warn);
  const store = await openStore(place, kind);
  try {
    return await openInStore(options, store, warn);
  } catch (error) {
    await store.close();
    throw error;
  }
}

async function openFile({ config, stateDir, version }: LogOptions, warn: Warn): Promise<Log> {
  if (config.audit.otlp !== undefined) {
    warn('audit.otlp is of no effect: there is no store, and files are not forwarded');
  }
  const audit = await openAuditFile({ directory: auditDirectory(config, stateDir), version, warn });
  return { audit, store: undefined, reader: undefined, jobs: undefined, checkpoints: undefined };
}

async function openInStore(options: LogOptions, store: Store, warn: Warn): Promise<Log> {
  const { config, logger, version, stateDir } = options;
  const [{ openAuditStore }, { createCheckpoints, countEvents }, { auditJobs, CHECKPOINT_JOB }] = await Promise.all([
    import('./store-log.ts'),
    import('./checkpoints.ts'),
    import('./jobs.ts'),
  ]);
  const [{ openStoreReader }, { runJobs }, { resealJob }] = await Promise.all([
    import('./store-reader.ts'),
    import('../store/jobs.ts'),
    import('../store/reseal.ts'),
  ]);
  const forward = await openForward(options, warn);
  let jobs: Jobs | undefined;
  const audit = await openAuditStore({
    store,
    version,
    onUnavailable: config.audit.on_unavailable,
    directory: auditDirectory(config, stateDir),
    spoolLimitBytes: config.audit.spool_limit * 2 ** 20,
    warn,
    onWritten: countEvents(() => void jobs?.runNow(CHECKPOINT_JOB)),
  });
  try {
    if (store.migrated !== undefined && store.migrated.applied.length > 0) {
      await audit.record({ kind: 'configuration', operation: 'migrate', outcome: 'OK', details: store.migrated });
    }
    const checkpoints = createCheckpoints({
      store,
      path: checkpointFile(config, stateDir),
      inform: (fields, message) => logger.info(fields, message),
      warn,
    });
    const own = auditJobs({ store, audit, checkpoints, forward });
    jobs = runJobs([...own, resealJob(store), ...options.moreJobs(store, audit)], {
      connection: store.connect(),
      warn,
    });
    return { audit, store, reader: openStoreReader(store), jobs, checkpoints };
  } catch (error) {
    await audit.close().catch(() => undefined); // what went wrong first is told
    throw error;
  }
}

/** Where events of the store go as well. A header that cannot be read stops the start. */
async function openForward(
  { config, env, version }: LogOptions,
  warn: Warn,
): Promise<Omit<ForwardOptions, 'connection'> | undefined> {
  const { otlp } = config.audit;
  if (otlp === undefined) return undefined;
  const { readOtlpHeaders } = await import('./otlp-headers.ts');
  const headers = () => readOtlpHeaders(otlp.headers, env);
  await headers();
  return { url: otlp.logs_url, headers, version, warn };
}

/** Where audit files are, and what is spooled. */
export function auditDirectory({ audit }: Config, stateDir: string): string {
  return audit.directory ?? join(stateDir, 'audit');
}

/** The file that signed checkpoints are added to outside the store. */
export function checkpointFile({ audit }: Config, stateDir: string): string {
  return audit.checkpoints ?? join(stateDir, 'audit-checkpoints.jsonl');
}
