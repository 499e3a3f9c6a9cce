import { z } from 'zod';
import { judgeQuestionable, questionable } from '../configuration/questionable.ts';
import {
  defineTool,
  readParts,
  statementsOf,
  type ConnectionFacts,
  type Finding,
  type NotExamined,
} from '../kit/index.ts';
import {
  auditCheck,
  checkAuthentication,
  checkCode,
  checkGrants,
  checkOutside,
  checkRoles,
  checkRowSecurity,
  type Audited,
} from './audit-checks.ts';
import type { ReadParts } from '../kit/part.ts';
import { auditSettings, judgeAuditSettings } from './audit-settings.ts';
import { definerFunctions, openSchemas } from './definer-function.ts';
import {
  eventTriggers,
  parameterGrants,
  publicServers,
  secretOptions,
  securityCounts,
  subscriptionOwners,
  untrustedLanguages,
} from './exposed-objects.ts';
import { bypasses, guardedTables, unparsed } from './guarded-tables.ts';
import { readHba } from './hba-right.ts';
import { hbaRules, identMaps, mayReadHba } from './hba-rule.ts';
import { examineDefiners, judgeDefiners } from './judge-definers.ts';
import { judgeEncryption } from './judge-encryption.ts';
import { judgeExposed } from './judge-exposed.ts';
import { judgeGrants } from './judge-grants.ts';
import { judgeHba, judgeIdent } from './judge-hba.ts';
import { judgePowers } from './judge-powers.ts';
import { judgeGuarded, unparsedDefiners } from './judge-row-security.ts';
import { judgeExpiry, judgePasswords, mayReadPasswords, readPasswords, storedPasswords } from './passwords.ts';
import { publicDefaults, publicRights, publicTables, systemGrants } from './public-grants.ts';
import { expiring } from './role-row.ts';
import { powers } from './role-power.ts';
import { encryptionSettings, sessionTotals } from './session-encryption.ts';

const PARTS = {
  powers,
  expiring,
  securityCounts,
  openSchemas,
  publicTables,
  publicRights,
  publicDefaults,
  systemGrants,
  parameterGrants,
  definerFunctions,
  untrustedLanguages,
  eventTriggers,
  guardedTables,
  bypasses,
  unparsed,
  secretOptions,
  publicServers,
  subscriptionOwners,
  sessionTotals,
  encryptionSettings,
  auditSettings,
  questionable,
  mayReadHba,
  mayReadPasswords,
};

const section = (what: string) => z.array(auditCheck).describe(what);

export default defineTool({
  name: 'security_audit',
  area: 'security',
  title: 'Security audit',
  description:
    'Powerful roles, PUBLIC, unsafe functions, row security, passwords, authentication, encryption, secrets: judged.',
  input: {},
  thresholds: {
    expiry_days: z
      .int()
      .min(0)
      .max(3650)
      .default(14)
      .describe('Report passwords in use that expire within so many days.'),
  },
  output: {
    roles: section('Of the whole server.'),
    grants: section('Of this database, without what extensions brought.'),
    code: section('What runs with the rights of others, or reaches the machine.'),
    row_security: section('Of this database.'),
    authentication: section('pg_hba.conf and encryption, of the whole server.'),
    outside: section('Foreign data and logical replication.'),
  },
  sees: [{ what: 'how sessions of other roles are encrypted', privilege: 'pg_read_all_stats' }],
  statements: statementsOf({ ...PARTS, hbaRules, identMaps, storedPasswords }),
  async run({ expiry_days }, target, { persona }) {
    const { facts, parts, unreadable } = await readParts(target, PARTS, { expiry_days, schema: null, name: null });
    const authentication = await readHba(target, parts.mayReadHba, { facts, persona: persona.name });
    const passwords = await readPasswords(target, parts.mayReadPasswords);
    const seen = seenOf(parts, unreadable);
    const definers = seen('definerFunctions');
    const audited: Audited = {
      powers: seen('powers'),
      expiring: seen('expiring'),
      counts: parts.securityCounts[0],
      passwords: passwords.stored,
      rules: authentication.rules,
      schemas: seen('openSchemas'),
      tables: seen('publicTables'),
      rights: parts.publicRights[0],
      defaults: seen('publicDefaults'),
      system: seen('systemGrants'),
      parameters: seen('parameterGrants'),
      definers: definers && examineDefiners(definers, parts.openSchemas),
      languages: seen('untrustedLanguages'),
      triggers: seen('eventTriggers'),
      guarded: seen('guardedTables'),
      bypasses: seen('bypasses'),
      options: seen('secretOptions'),
      servers: seen('publicServers'),
      subscriptions: seen('subscriptionOwners'),
      totals: parts.sessionTotals[0],
      encryption: parts.encryptionSettings,
      settings: parts.auditSettings,
    };
    return {
      roles: checkRoles(audited),
      grants: checkGrants(audited),
      code: checkCode(audited),
      row_security: checkRowSecurity(audited),
      authentication: checkAuthentication(audited),
      outside: checkOutside(audited),
      facts,
      findings: [
        ...judge(audited, facts),
        ...judgeIdent(authentication.maps ?? []),
        ...judgeQuestionable(parts.questionable.filter(({ name }) => name === 'password_encryption')),
      ],
      not_examined: [
        ...unreadable,
        ...passwords.unreadable,
        ...authentication.unreadable,
        ...unparsedDefiners(parts.unparsed[0]?.functions ?? 0),
      ],
    };
  },
});

type Parts = ReadParts<typeof PARTS>['parts'];

/** The rows of a part, or null where it could not be read, which is not to be taken for none. */
function seenOf(parts: Parts, unreadable: readonly NotExamined[]) {
  const hidden = new Set(unreadable.map(({ what }) => what));
  return <Key extends keyof Parts>(key: Key): Parts[Key] | null => (hidden.has(PARTS[key].what) ? null : parts[key]);
}

function judge(audited: Audited, facts: ConnectionFacts): Finding[] {
  const { totals, encryption, settings } = audited;
  const [powers, tables] = [audited.powers ?? [], audited.guarded ?? []];
  return [
    ...judgePowers(powers, facts),
    ...judgePasswords(audited.passwords ?? [], facts),
    ...judgeExpiry(audited.expiring ?? []),
    ...judgeHba(audited.rules ?? []),
    ...judgeEncryption({ totals, settings: encryption, service: facts.service }),
    ...judgeGrants(audited, facts),
    ...judgeDefiners(audited.definers ?? []),
    ...judgeGuarded({ tables, bypasses: audited.bypasses ?? [], powers }, facts),
    ...judgeExposed(audited, facts),
    ...judgeAuditSettings(settings, facts.service),
  ];
}
