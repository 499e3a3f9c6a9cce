import type { Job } from '../store/jobs.ts';
import type { Store } from '../store/open-store.ts';
import type { AuditLog } from './event.ts';
import { createForwarding, type ForwardOptions } from './forward.ts';
import { makePartitions } from './partitions.ts';
import { rollUp } from './rollup.ts';
import { closeDeadChains } from './unfinished.ts';

export interface AuditJobParts {
  readonly store: Store;
  readonly audit: Pick<AuditLog, 'record'>;
  /** Where events go beside the store; undefined for nowhere. */
  readonly forward?: Omit<ForwardOptions, 'connection'> | undefined;
}

/** What the audit log in the store needs done in the background. */
export function auditJobs({ store, audit, forward }: AuditJobParts): readonly Job[] {
  const counting = store.connect();
  return [
    { name: 'audit_partitions', everyMs: 6 * 3_600_000, run: () => makePartitions(store) },
    { name: 'audit_unfinished', everyMs: 15_000, run: () => closeDeadChains(store, audit) },
    { name: 'audit_rollup', everyMs: 60_000, run: (signal) => rollUp(counting, signal) },
    ...(forward === undefined ? [] : [forwardJob(store, forward)]),
  ];
}

function forwardJob(store: Store, options: Omit<ForwardOptions, 'connection'>): Job {
  const forwarding = createForwarding({ ...options, connection: store.connect() });
  return { name: 'audit_forward', everyMs: 1000, run: (signal) => forwarding.run(signal) };
}
