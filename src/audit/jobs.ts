import type { Checkpoints } from './checkpoints.ts';
import type { Job } from '../store/jobs.ts';
import type { Store } from '../store/open-store.ts';
import type { AuditLog } from './event.ts';
import { createForwarding, type ForwardOptions } from './forward.ts';
import { makePartitions } from './partitions.ts';
import { dropOldMonths } from './retention.ts';
import { rollUp } from './rollup.ts';
import { watchDeadChains } from './unfinished.ts';

export interface AuditJobParts {
  readonly store: Store;
  readonly audit: Pick<AuditLog, 'record'>;
  readonly checkpoints: Checkpoints;
  /** Where events go beside the store; undefined for nowhere. */
  readonly forward?: Omit<ForwardOptions, 'connection'> | undefined;
}

/** The job that signs how the log is; to be done early when there are many events. */
export const CHECKPOINT_JOB = 'audit_checkpoint';

/** What the audit log in the store needs done in the background. */
export function auditJobs({ store, audit, checkpoints, forward }: AuditJobParts): readonly Job[] {
  const counting = store.connect();
  return [
    // half of what is promised: a turn may take a while
    { name: CHECKPOINT_JOB, everyMs: 5000, run: () => checkpoints.take() },
    { name: 'audit_partitions', everyMs: 6 * 3_600_000, run: () => makePartitions(store) },
    { name: 'audit_unfinished', everyMs: 15_000, run: watchDeadChains(store, audit) },
    { name: 'audit_retention', everyMs: 3_600_000, run: (signal) => dropOldMonths({ store, audit }, signal) },
    { name: 'audit_rollup', everyMs: 60_000, run: (signal) => rollUp(counting, signal) },
    ...(forward === undefined ? [] : [forwardJob(store, forward)]),
  ];
}

function forwardJob(store: Store, options: Omit<ForwardOptions, 'connection'>): Job {
  const forwarding = createForwarding({ ...options, connection: store.connect() });
  return { name: 'audit_forward', everyMs: 1000, run: (signal) => forwarding.run(signal) };
}
