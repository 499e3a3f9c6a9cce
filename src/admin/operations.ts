import type { Operation } from '../calls/operation.ts';
import type { Store } from '../store/open-store.ts';
import { auditAcceptRestore } from './audit-accept-restore.ts';
import { auditStatement } from './audit-statement.ts';
import { auditExport } from './audit-export.ts';
import { auditSearch } from './audit-search.ts';
import { auditShow } from './audit-show.ts';
import type { AuditSource } from './audit-source.ts';
import { auditSessions, auditStats } from './audit-stats.ts';
import { auditTail } from './audit-tail.ts';
import { auditVerify } from './audit-verify.ts';
import { configShow } from './config-show.ts';
import { doctor } from './doctor.ts';
import { personaDiff } from './personas/diff.ts';
import { personaExplain } from './personas/explain.ts';
import { personaGrant, personaGrants, personaRevoke } from './personas/grants.ts';
import { personaList } from './personas/list.ts';
import { personaRemove, personaRevert, personaSet } from './personas/set.ts';
import { personaHistory, personaShow } from './personas/show.ts';
import type { Surroundings } from './personas/surroundings.ts';
import { personaTest } from './personas/test.ts';

interface AdminParts extends Surroundings {
  readonly audit: AuditSource;
  /** Undefined where only files are kept. */
  readonly store: () => Store | undefined;
  /** Where this machine keeps checkpoints outside the store. */
  readonly checkpointFile: () => string;
}

/** Operations on Howdah itself, for whoever has the persona `admin` or is granted them by name. */
export function createAdminOperations(parts: AdminParts): readonly Operation[] {
  const { audit, editor } = parts;
  const kept = { ...parts, auditDirectory: audit.directory };
  return [
    auditSearch(audit),
    auditShow(audit),
    auditTail(audit),
    auditStats(audit),
    auditSessions(audit),
    auditExport(audit),
    auditVerify(kept),
    auditAcceptRestore(kept),
    auditStatement(parts),
    configShow(parts.config),
    doctor,
    personaList(parts),
    personaExplain(parts),
    personaTest(parts),
    personaDiff(parts),
    personaShow(parts),
    personaHistory(editor),
    personaSet(editor),
    personaRevert(editor),
    personaRemove(editor),
    personaGrant(editor),
    personaGrants(editor),
    personaRevoke(editor),
  ];
}
