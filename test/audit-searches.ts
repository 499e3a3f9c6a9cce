/** What is usually searched for in an audit log, of the events that `fillAuditLog` makes. */
import type { SearchPage } from '../src/audit/search.ts';
import { OPERATIONS, PRINCIPALS, SERVERS } from './audit-filling.ts';

const FAILURES = ['QUERY_FAILED', 'FORBIDDEN', 'INVALID_INPUT', 'TIMEOUT', 'INTERNAL'];
const LIMIT = 50;

const before = (ms: number) => new Date(Date.now() - ms).toISOString();
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

const spread = (turn: number, count: number) => (turn * 7919) % count;
const outcome = (turn: number) => FAILURES[turn % FAILURES.length];
const page = (filters: SearchPage['filters'], more: Partial<SearchPage> = {}) => ({ filters, limit: LIMIT, ...more });
const principal = (turn: number) => `user-${spread(turn, PRINCIPALS)}`;
const operation = (turn: number) => `operation_${spread(turn, OPERATIONS)}`;
const server = (turn: number) => `server-${spread(turn, SERVERS)}`;

/** Each with values of its own at every turn; `days` is how far the log goes back. */
export function usualSearches(days: number, events: number): Readonly<Record<string, (turn: number) => SearchPage>> {
  const past = (turn: number) => DAY + (spread(turn, 997) / 997) * (days - 2) * DAY;
  return {
    'the last hour': () => page({ since: before(HOUR) }),
    'the newest': () => page({}),
    'a principal': (turn) => page({ principal: principal(turn) }),
    'an operation with an outcome': (turn) => page({ operations: [operation(turn)], outcome: outcome(turn) }),
    'a server': (turn) => page({ server: server(turn) }),
    'a principal on a server': (turn) => page({ principal: principal(turn), server: server(turn) }),
    denied: () => page({ outcome: 'denied' }),
    'denied to a principal': (turn) => page({ outcome: 'denied', principal: principal(turn) }),
    'failed of a principal': (turn) => page({ outcome: outcome(turn), principal: principal(turn) }),
    failed: () => page({ outcome: 'failed' }),
    'one outcome': (turn) => page({ outcome: outcome(turn) }),
    'ten operations': (turn) => page({ operations: Array.from({ length: 10 }, (_, n) => operation(turn + n)) }),
    'a call by its id': (turn) => page({ callId: `call-${spread(turn, events)}` }),
    'two hours in the past': (turn) => page({ since: before(past(turn) + 2 * HOUR), until: before(past(turn)) }),
    'a principal on a day in the past': (turn) =>
      page({ principal: principal(turn), since: before(past(turn) + DAY), until: before(past(turn)) }),
    'the next page': (turn) =>
      page({}, { after: { at: before(past(turn)), id: '01a22dd9-7d50-7701-bfbe-3c51f61a0bec' } }),
    'the next page of a principal': (turn) =>
      page(
        { principal: principal(turn) },
        { after: { at: before(past(turn)), id: '01a22dd9-7d50-7701-bfbe-3c51f61a0bec' } },
      ),
  };
}
