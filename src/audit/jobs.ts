import type { Job } from '../store/jobs.ts';
import type { Store } from '../store/open-store.ts';
import type { AuditLog } from './event.ts';
import { makePartitions } from './partitions.ts';
import { rollUp } from './rollup.ts';
import { closeDeadChains } from './unfinished.ts';

export interface AuditJobParts {
  readonly store: Store;
  readonly audit: Pick<AuditLog, 'record'>;
}

/** What the audit log in the store needs done in the background. */
export function auditJobs({ store, audit }: AuditJobParts): readonly Job[] {
  const counting = store.connect();
  return [
    { name: 'audit_partitions', everyMs: 6 * 3_600_000, run: () => makePartitions(store) },
    { name: 'audit_unfinished', everyMs: 15_000, run: () => closeDeadChains(store, audit) },
    { name: 'audit_rollup', everyMs: 60_000, run: (signal) => rollUp(counting, signal) },
  ];
}
