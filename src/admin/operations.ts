import type { Operation } from '../calls/operation.ts';
import { auditTail } from './audit-tail.ts';
import { auditVerify } from './audit-verify.ts';
import { configShow } from './config-show.ts';
import { doctor } from './doctor.ts';
import { personaDiff } from './personas/diff.ts';
import { personaExplain } from './personas/explain.ts';
import { personaList } from './personas/list.ts';
import type { Surroundings } from './personas/surroundings.ts';
import { personaTest } from './personas/test.ts';

interface AdminParts extends Surroundings {
  readonly auditDirectory: string;
}

/** Operations on Howdah itself, for whoever has the persona `admin` or is granted them by name. */
export function createAdminOperations({ auditDirectory, ...surroundings }: AdminParts): readonly Operation[] {
  return [
    auditTail(auditDirectory),
    auditVerify(auditDirectory),
    configShow(surroundings.config),
    doctor,
    personaList(surroundings),
    personaExplain(surroundings),
    personaTest(surroundings),
    personaDiff(surroundings),
  ];
}
