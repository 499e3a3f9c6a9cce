import { gather, quoteIdentifier, type Finding, type NotExamined } from '../kit/index.ts';
import type { PoolerRow, ServerRow } from './server-row.ts';

export function judgeServers(rows: readonly ServerRow[]): Finding[] {
  const unreachable = rows.filter(({ state }) => state === 'unreachable').map(judgeUnreachable);
  return gather(unreachable, (count) => `${count} servers could not be reached.`);
}

function judgeUnreachable({ server, address, problem, contacted_at }: ServerRow): Finding {
  return {
    severity: 'warning',
    claim: `The server ${server} could not be reached.`,
    object: server,
    evidence: { address, problem, contacted_at },
    next_step: `howdah doctor ${server}`,
  };
}

export function judgePoolers(rows: readonly PoolerRow[]): Finding[] {
  const unreachable = rows.filter(({ state }) => state === 'unreachable');
  return gather(unreachable.map(judgePooler), (count) => `${count} PgBouncers could not be asked.`);
}

function judgePooler({ server, pooler, address, problem, contacted_at }: PoolerRow): Finding {
  return {
    severity: 'warning',
    claim: `The PgBouncer ${quoteIdentifier(pooler)} of the server ${server} could not be asked.`,
    object: quoteIdentifier(pooler),
    evidence: { address, problem, contacted_at },
    next_step: `howdah doctor ${server}`,
  };
}

/** A list that contacted every server would take as long as the slowest that is down. */
export function notContacted(rows: readonly ServerRow[]): NotExamined[] {
  const unknown = rows.filter(({ state }) => state === 'unknown').length;
  if (unknown === 0) return [];
  return [
    {
      what: `the state of ${unknown} ${unknown === 1 ? 'server' : 'servers'}`,
      reason: 'Nobody has called them since Howdah started.',
      remedy: 'Call server_overview with the name of one.',
    },
  ];
}
