import type { Operation } from '../calls/operation.ts';
import type { Config } from '../config/schema.ts';
import { auditTail } from './audit-tail.ts';
import { auditVerify } from './audit-verify.ts';
import { configShow } from './config-show.ts';
import { doctor } from './doctor.ts';

interface AdminParts {
  readonly config: Config;
  readonly auditDirectory: string;
}

/** Operations on Howdah itself, for whoever has the persona `admin` or is granted them by name. */
export function createAdminOperations({ config, auditDirectory }: AdminParts): readonly Operation[] {
  return [auditTail(auditDirectory), auditVerify(auditDirectory), configShow(config), doctor];
}
