import type { Command } from './command.ts';
import { auditAcceptRestore } from './commands/audit-accept-restore.ts';
import { auditStatement } from './commands/audit-statement.ts';
import { auditExport } from './commands/audit-export.ts';
import { auditSearch } from './commands/audit-search.ts';
import { auditShow } from './commands/audit-show.ts';
import { auditStats } from './commands/audit-stats.ts';
import { auditTail } from './commands/audit-tail.ts';
import { auditVerify } from './commands/audit-verify.ts';
import { call } from './commands/call.ts';
import { check } from './commands/check.ts';
import { configCheck } from './commands/config-check.ts';
import { configSchema } from './commands/config-schema.ts';
import { configShow } from './commands/config-show.ts';
import { connect } from './commands/connect.ts';
import { demo } from './commands/demo.ts';
import { doctor } from './commands/doctor.ts';
import { keyCreate } from './commands/key-create.ts';
import { migrate } from './commands/migrate.ts';
import { personaDiff } from './commands/persona-diff.ts';
import { personaExplain } from './commands/persona-explain.ts';
import { personaList } from './commands/persona-list.ts';
import { personaSet } from './commands/persona-set.ts';
import { personaShow } from './commands/persona-show.ts';
import { personaHistory } from './commands/persona-history.ts';
import { personaRevert } from './commands/persona-revert.ts';
import { personaRemove } from './commands/persona-remove.ts';
import { personaGrant } from './commands/persona-grant.ts';
import { personaGrants } from './commands/persona-grants.ts';
import { personaRevoke } from './commands/persona-revoke.ts';
import { personaTest } from './commands/persona-test.ts';
import { report } from './commands/report.ts';
import { serve } from './commands/serve.ts';
import { sqlCheck } from './commands/sql-check.ts';
import { stdio } from './commands/stdio.ts';
import { tools } from './commands/tools.ts';

/** Every command, in the order of help. Declarations only: what a command needs is imported when it runs. */
export const commands: readonly Command[] = [
  check,
  report,
  call,
  sqlCheck,
  tools,
  demo,
  connect,
  stdio,
  serve,
  doctor,
  keyCreate,
  personaList,
  personaExplain,
  personaTest,
  personaSet,
  personaShow,
  personaHistory,
  personaRevert,
  personaRemove,
  personaGrant,
  personaGrants,
  personaRevoke,
  personaDiff,
  configCheck,
  configShow,
  configSchema,
  auditSearch,
  auditShow,
  auditTail,
  auditStats,
  auditExport,
  auditVerify,
  auditStatement,
  auditAcceptRestore,
  migrate,
];
