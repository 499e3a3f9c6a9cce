import type { Operation } from '../calls/operation.ts';
import type { Config } from '../config/schema.ts';
import { auditExport } from './audit-export.ts';
import { auditSearch } from './audit-search.ts';
import { auditShow } from './audit-show.ts';
import type { AuditSource } from './audit-source.ts';
import { auditSessions, auditStats } from './audit-stats.ts';
import { auditTail } from './audit-tail.ts';
import { auditVerify } from './audit-verify.ts';
import { configShow } from './config-show.ts';
import { doctor } from './doctor.ts';

interface AdminParts {
  readonly config: Config;
  readonly audit: AuditSource;
}

/** Operations on Howdah itself, for whoever has the persona `admin` or is granted them by name. */
export function createAdminOperations({ config, audit }: AdminParts): readonly Operation[] {
  return [
    auditSearch(audit),
    auditShow(audit),
    auditTail(audit),
    auditStats(audit),
    auditSessions(audit),
    auditExport(audit),
    auditVerify(audit.directory),
    configShow(config),
    doctor,
  ];
}
