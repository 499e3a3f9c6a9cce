import type { Finding, NotExamined } from '../contract/finding.ts';
import type { ConnectionFacts, RoleFacts } from '../postgres/database.ts';
import { quoteIdentifier } from '../postgres/sql.ts';
import {
  changeSettings,
  excessOf,
  hasPrivilege,
  hiddenFrom,
  MONITORING_ROLE,
  quoteLiteral,
} from '../tools/kit/index.ts';

/** What the doctor read of a server beside what every connection learns. */
export interface Reading {
  /** `shared_preload_libraries`; null where the login may not see it. */
  readonly preload: string | null;
  readonly track_io_timing: boolean;
  /** Of pg_stat_statements in this database; null where it was not created. */
  readonly statements_version: string | null;
  /** Whether the files of pg_stat_statements are on the server. */
  readonly statements_available: boolean;
  /** Null where the view does not tell. */
  readonly encrypted: boolean | null;
  readonly over_network: boolean;
  /** Tables of users that the login may change. */
  readonly writable_tables: number;
}

/** A skew below this is that of the measurement. */
const SKEW_MS = 2000;

/** What is missing or too much for the diagnostics, with the statements that mend it. */
export function diagnose(facts: ConnectionFacts, reading: Reading, skewMs: number): Finding[] {
  const ofLogin = [...judgeRole(facts.role, reading), ...judgeSight(facts.role)];
  const findings = [...ofLogin, ...judgeStatements(facts, reading), ...judgeConnection(reading, skewMs)];
  if (ofLogin.length > 0) return findings;
  const claim = 'The login sees what the diagnostics need, and has no right that they do not need.';
  return [...findings, { severity: 'ok', claim, object: quoteIdentifier(facts.role.name), evidence: {} }];
}

export function unseen({ role }: ConnectionFacts, { preload }: Reading): NotExamined[] {
  const gaps = hiddenFrom(role, [
    { what: "Other sessions' statements and waits", privilege: 'pg_read_all_stats' },
    { what: 'Settings that may hold secrets', privilege: 'pg_read_all_settings' },
  ]);
  return preload === null ? gaps : gaps.filter(({ what }) => !what.startsWith('Settings'));
}

function judgeRole(role: RoleFacts, { writable_tables }: Reading): Finding[] {
  const object = quoteIdentifier(role.name);
  const why = 'https://www.postgresql.org/docs/current/role-attributes.html';
  if (role.superuser) {
    const claim = 'The login is a superuser: nothing but Howdah itself stands between a caller and the server.';
    return [{ severity: 'warning', claim, object, evidence: { superuser: true }, why, next_step: MONITORING_ROLE }];
  }
  const { attributes, memberOf, takeBack } = excessOf(role);
  const evidence = { attributes: attributes.join(', '), member_of: memberOf.join(', '), writable_tables };
  const claim = 'The login may do more than read statistics.';
  if (takeBack.length > 0) {
    return [{ severity: 'warning', claim, object, evidence, why, next_step: takeBack.join('\n') }];
  }
  if (writable_tables === 0) return [];
  return [{ severity: 'notice', claim, object, evidence: { writable_tables }, why, next_step: MONITORING_ROLE }];
}

function judgeSight(role: RoleFacts): Finding[] {
  if (hasPrivilege(role, 'pg_monitor')) return [];
  const object = quoteIdentifier(role.name);
  return [
    {
      severity: 'warning',
      claim: 'The login sees its own sessions and statements only.',
      object,
      evidence: { pg_monitor: false },
      why: 'https://www.postgresql.org/docs/current/predefined-roles.html',
      next_step: `GRANT pg_monitor TO ${object};`,
    },
  ];
}

function judgeStatements({ database, service }: ConnectionFacts, reading: Reading): Finding[] {
  const { preload, statements_version, statements_available, track_io_timing } = reading;
  const preloaded = preload === null ? null : libraries(preload).includes('pg_stat_statements');
  const steps = [
    ...(statements_available ? [] : ["-- install the server's contrib package first"]),
    ...(preloaded === false ? preloadSteps(preload ?? '', service) : []),
    ...(statements_version === null
      ? [`CREATE EXTENSION pg_stat_statements; -- in database ${quoteIdentifier(database)}`]
      : []),
  ];
  return [
    ...(steps.length === 0
      ? []
      : [
          {
            severity: 'warning',
            claim: 'Statements are not counted: which of them cost the time cannot be said.',
            object: 'pg_stat_statements',
            evidence: { installed: statements_version, preloaded },
            why: 'https://www.postgresql.org/docs/current/pgstatstatements.html',
            next_step: steps.join('\n'),
          } as const,
        ]),
    ...(track_io_timing
      ? []
      : [
          {
            severity: 'notice',
            claim: 'Reads and writes are counted but not timed.',
            object: 'track_io_timing',
            evidence: { track_io_timing },
            why: 'https://www.postgresql.org/docs/current/runtime-config-statistics.html#GUC-TRACK-IO-TIMING',
            next_step: changeSettings(service, [{ name: 'track_io_timing', value: 'on' }]),
          } as const,
        ]),
  ];
}

/** Each library is a literal of its own: `'a,b'` would be one name, and the server would not start with it. */
function preloadSteps(preload: string, service: ConnectionFacts['service']): string[] {
  const value = [...libraries(preload), 'pg_stat_statements'].map(quoteLiteral).join(', ');
  return [changeSettings(service, [{ name: 'shared_preload_libraries', value, restart: true }])];
}

function libraries(preload: string): string[] {
  return preload
    .split(',')
    .map((name) => name.trim().replaceAll(/^"|"$/g, ''))
    .filter((name) => name !== '');
}

function judgeConnection({ encrypted, over_network }: Reading, skewMs: number): Finding[] {
  const findings: Finding[] = [];
  if (over_network && encrypted === false) {
    findings.push({
      severity: 'notice',
      claim: 'The connection is not encrypted.',
      evidence: { encrypted },
      why: 'https://www.postgresql.org/docs/current/libpq-ssl.html',
      next_step: 'Set tls.mode of the server, or sslmode in its URL, to verify-full.',
    });
  }
  if (Math.abs(skewMs) > SKEW_MS) {
    findings.push({
      severity: 'notice',
      claim: 'The clock of the server differs from the clock of this machine; times in the audit log follow this one.',
      evidence: { skew_ms: skewMs },
      next_step: 'Let both follow the same NTP servers.',
    });
  }
  return findings;
}
