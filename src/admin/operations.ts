import type { Operation } from '../calls/operation.ts';
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
  readonly auditDirectory: string;
}

/** Operations on Howdah itself, for whoever has the persona `admin` or is granted them by name. */
export function createAdminOperations({ auditDirectory, ...surroundings }: AdminParts): readonly Operation[] {
  const { editor } = surroundings;
  return [
    auditTail(auditDirectory),
    auditVerify(auditDirectory),
    configShow(surroundings.config),
    doctor,
    personaList(surroundings),
    personaExplain(surroundings),
    personaTest(surroundings),
    personaDiff(surroundings),
    personaShow(surroundings),
    personaHistory(editor),
    personaSet(editor),
    personaRevert(editor),
    personaRemove(editor),
    personaGrant(editor),
    personaGrants(editor),
    personaRevoke(editor),
  ];
}
