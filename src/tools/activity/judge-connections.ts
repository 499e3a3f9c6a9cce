import { comment, gather, quoteIdentifier, quoteLiteral, type Finding } from '../kit/index.ts';
import { judgeLimit } from '../server/judge-databases.ts';
import { groupConnections, type ConnectionGroup } from './connection-groups.ts';
import type { ConnectionLimit } from './connection-limits.ts';
import type { SessionOutcome } from './session-outcomes.ts';

/** A limit of few is there to be reached, as by a job that must not run twice. */
const SMALL_LIMIT = 5;
/** Of all connections; with fewer idle ones an application does what it has them for. */
const MOSTLY_IDLE_PERCENT = 75;

const MAX_CONNECTIONS = 'https://www.postgresql.org/docs/current/runtime-config-connection.html#GUC-MAX-CONNECTIONS';

/** `slots` are those that anybody may have. */
export function judgeHolders(groups: readonly ConnectionGroup[], slots: number, minPercent: number): Finding[] {
  const holdsMost = ({ connections }: ConnectionGroup) => slots > 0 && 100 * connections >= minPercent * slots;
  const [role] = groupConnections(groups, ['user']).filter(holdsMost);
  if (role && role.user !== null) {
    const { user, connections } = role;
    return [
      {
        ...holder(role, slots),
        claim: `The role ${quoteIdentifier(user)} holds ${connections} of ${slots} connections.`,
        object: quoteIdentifier(user),
        next_step: [
          `SELECT datname, application_name, client_addr, state, count(*) FROM pg_stat_activity WHERE usename = ${quoteLiteral(user)} GROUP BY 1, 2, 3, 4 ORDER BY 5 DESC;`,
          comment(
            `what leaves some to others: ALTER ROLE ${quoteIdentifier(user)} CONNECTION LIMIT followed by a number`,
          ),
        ].join('\n'),
      },
    ];
  }
  const [program] = groupConnections(groups, ['application']).filter(holdsMost);
  if (!program || program.application === null || program.application === '') return [];
  return [
    {
      ...holder(program, slots),
      claim: `One application, ${JSON.stringify(program.application)}, holds ${program.connections} of ${slots} connections.`,
      object: quoteIdentifier(program.application),
      next_step: `SELECT usename, datname, client_addr, state, count(*) FROM pg_stat_activity WHERE application_name = ${quoteLiteral(program.application)} GROUP BY 1, 2, 3, 4 ORDER BY 5 DESC;`,
    },
  ];
}

function holder(
  { connections, active, idle, idle_for_long, idle_in_transaction }: ConnectionGroup,
  slots: number,
): Pick<Finding, 'severity' | 'evidence' | 'why'> {
  return {
    severity: 'notice',
    evidence: { connections, slots, active, idle, idle_for_long, idle_in_transaction },
    why: MAX_CONNECTIONS,
  };
}

export function judgeIdle(groups: readonly ConnectionGroup[], manyIdle: number): Finding[] {
  const [all] = groupConnections(groups, []);
  const idle = all?.idle ?? 0;
  if (!all || idle < manyIdle || 100 * idle < MOSTLY_IDLE_PERCENT * all.connections) return [];
  return [
    {
      severity: 'notice',
      claim: `${idle} of ${all.connections} connections are idle: the applications could share fewer.`,
      evidence: { connections: all.connections, active: all.active, idle, idle_for_long: all.idle_for_long },
      why: MAX_CONNECTIONS,
      next_step: [
        `SELECT usename, application_name, client_addr, count(*), max(now() - state_change) AS longest FROM pg_stat_activity WHERE state = 'idle' GROUP BY 1, 2, 3 ORDER BY 4 DESC;`,
        comment('pools of these can be smaller, or a pooler such as PgBouncer can stand in front of them'),
      ].join('\n'),
    },
  ];
}

export function judgeLimits(limits: readonly ConnectionLimit[], maxPercent: number): Finding[] {
  const ofDatabases = limits.flatMap(({ database, ...limit }) =>
    database === null ? [] : judgeLimit({ database, ...limit }, maxPercent),
  );
  return [
    ...gather(ofDatabases, (count) => `${count} databases are near their connection limits.`),
    ...gather(
      limits.flatMap((limit) => judgeRole(limit, maxPercent)),
      (count) => `${count} roles are near their connection limits.`,
    ),
  ];
}

function judgeRole({ role, connections, connection_limit, percent }: ConnectionLimit, maxPercent: number): Finding[] {
  if (role === null || connection_limit < SMALL_LIMIT || (percent ?? 0) < maxPercent) return [];
  const object = quoteIdentifier(role);
  return [
    {
      severity: 'warning',
      claim: `${Math.round(percent ?? 0)} % of the connections that role ${object} may have are taken.`,
      object,
      evidence: { connections, connection_limit },
      why: 'https://www.postgresql.org/docs/current/sql-createrole.html',
      next_step: `SELECT datname, application_name, client_addr, state, count(*) FROM pg_stat_activity WHERE usename = ${quoteLiteral(role)} GROUP BY 1, 2, 3, 4 ORDER BY 5 DESC;`,
    },
  ];
}

interface Abnormal {
  readonly abnormal_percent: number;
  readonly min_abnormal_sessions: number;
}

export function judgeOutcomes(rows: readonly SessionOutcome[], thresholds: Abnormal): Finding[] {
  return gather(
    rows.flatMap((row) => judgeOutcome(row, thresholds)),
    (count) => `In ${count} databases many sessions ended abnormally.`,
  );
}

function judgeOutcome(
  row: SessionOutcome,
  { abnormal_percent: most, min_abnormal_sessions: least }: Abnormal,
): Finding[] {
  const { database, sessions, sessions_abandoned, sessions_fatal, sessions_killed, counted_since } = row;
  const ended = sessions_fatal + sessions_killed;
  const percent = row.abnormal_percent ?? 0;
  if (percent < most || ended + sessions_abandoned < least) return [];
  const object = quoteIdentifier(database);
  return [
    {
      // who only forgets to say goodbye does no harm
      severity: ended > sessions_abandoned ? 'warning' : 'notice',
      claim: `${Math.round(percent)} % of the sessions of database ${object} ended abnormally.`,
      object,
      evidence: { sessions, sessions_abandoned, sessions_fatal, sessions_killed, counted_since },
      why: 'https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-DATABASE-VIEW',
      next_step: [
        `SELECT name, setting FROM pg_settings WHERE name IN ('log_disconnections', 'idle_in_transaction_session_timeout', 'idle_session_timeout', 'tcp_keepalives_idle');`,
        comment(STEPS[ended > sessions_abandoned ? 'ended' : 'abandoned']),
      ].join('\n'),
    },
  ];
}

const STEPS = {
  abandoned:
    'their clients leave without closing, or something between cuts idle connections; the log has the lost ones',
  ended: 'the log has each FATAL; a timeout, a shutdown and pg_terminate_backend end sessions, too',
};
