import type { Operation } from '../calls/operation.ts';
import type { Config } from '../config/schema.ts';
import type { Store } from '../store/open-store.ts';
import { auditAcceptRestore } from './audit-accept-restore.ts';
import { auditStatement } from './audit-statement.ts';
import { auditTail } from './audit-tail.ts';
import { auditVerify } from './audit-verify.ts';
import { configShow } from './config-show.ts';
import { doctor } from './doctor.ts';

interface AdminParts {
  readonly config: Config;
  readonly auditDirectory: string;
  /** Undefined where only files are kept. */
  readonly store: () => Store | undefined;
  /** Where this machine keeps checkpoints outside the store. */
  readonly checkpointFile: () => string;
}

/** Operations on Howdah itself, for whoever has the persona `admin` or is granted them by name. */
export function createAdminOperations({ config, ...parts }: AdminParts): readonly Operation[] {
  return [
    auditTail(parts.auditDirectory),
    auditVerify(parts),
    auditAcceptRestore(parts),
    auditStatement(parts),
    configShow(config),
    doctor,
  ];
}
