import { z } from 'zod';
import { defineTool, readParts, statementsOf, tellWithheld } from '../kit/index.ts';
import { connections, judgeConnections } from '../server/connections.ts';
import { connectionGroups, groupConnections, GROUPINGS, longest, type Grouping } from './connection-groups.ts';
import { connectionLimits, reservations } from './connection-limits.ts';
import { judgeHolders, judgeIdle, judgeLimits, judgeOutcomes } from './judge-connections.ts';
import { sessionOutcomes } from './session-outcomes.ts';

const PARTS = { connections, reservations, connectionGroups, connectionLimits, sessionOutcomes };

const BY_DEFAULT: readonly Grouping[] = ['database', 'user', 'application'];

const percent = z.number().min(0).max(100);

export default defineTool({
  name: 'connections',
  area: 'activity',
  title: 'Connections',
  description: 'How many connections are taken, by whom, in which state; near limits; how sessions ended.',
  clusterWide: true,
  input: {
    group_by: z.enum(GROUPINGS).optional(),
    limit: z.int().min(1).max(500).default(20),
  },
  thresholds: {
    max_connection_percent: percent.default(80).describe('Warn when more connections, or more of a limit, are taken.'),
    holder_percent: percent.default(60).describe('Report a role or an application that holds more of all.'),
    many_idle: z.int().min(1).default(100).describe('Report when so many are idle, and most of all are.'),
    abnormal_percent: percent.default(10).describe('Report databases in which more sessions ended abnormally.'),
    min_abnormal_sessions: z.int().min(1).default(100).describe('Fewer than these are no pattern.'),
  },
  output: {
    connections: z
      .object({
        ...connections.shape.shape,
        ...reservations.shape.shape,
        free: z.int().min(0).describe('For anybody.'),
        longest_idle_in_transaction_s: z.number().nullable().meta({ unit: 's' }),
      })
      .nullable(),
    rows: z.array(
      connectionGroups.shape.extend({
        percent: z.number().nullable().meta({ unit: 'percent' }).describe('Of those that anybody may have.'),
      }),
    ),
    truncated: z.boolean(),
    limits: z.array(connectionLimits.shape).describe('Of databases and roles that have one.'),
    session_outcomes: z.array(sessionOutcomes.shape).describe('PostgreSQL 14 on.'),
  },
  sees: [{ what: 'states of other roles’ connections', privilege: 'pg_read_all_stats' }],
  statements: statementsOf(PARTS),
  async run({ group_by, limit, ...thresholds }, target, { persona }) {
    const { facts, parts, unreadable, withheld } = await readParts(target, PARTS, { limit: limit + 1 });
    const [server] = parts.connections;
    const [reserved] = parts.reservations;
    const slots = server ? server.max - server.reserved : 0;
    const groups = groupConnections(parts.connectionGroups, group_by ? [group_by] : BY_DEFAULT);
    return {
      connections:
        server && reserved
          ? {
              ...server,
              ...reserved,
              free: Math.max(0, slots - server.used),
              longest_idle_in_transaction_s: longest(...groups.map(({ longest_idle_in_transaction_s: each }) => each)),
            }
          : null,
      rows: groups.slice(0, limit).map((group) => ({ ...group, percent: percentOf(group.connections, slots) })),
      truncated: [groups, parts.connectionLimits, parts.sessionOutcomes].some((list) => list.length > limit),
      limits: parts.connectionLimits.slice(0, limit),
      session_outcomes: parts.sessionOutcomes.slice(0, limit),
      facts,
      findings: [
        ...judgeConnections(server, thresholds.max_connection_percent),
        ...judgeLimits(parts.connectionLimits, thresholds.max_connection_percent),
        ...judgeHolders(parts.connectionGroups, slots, thresholds.holder_percent),
        ...judgeIdle(parts.connectionGroups, thresholds.many_idle),
        ...judgeOutcomes(parts.sessionOutcomes, thresholds),
      ],
      not_examined: [
        ...tellWithheld(
          [...withheld.values()].reduce((sum, count) => sum + count, 0),
          persona.name,
          [...withheld.keys()],
        ),
        ...unreadable,
      ],
    };
  },
});

function percentOf(part: number, whole: number): number | null {
  return whole === 0 ? null : Math.round((10_000 * part) / whole) / 100;
}
