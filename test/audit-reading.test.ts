/** Reading the audit log in the store: searching, counting, following. */
import { describe, expect, it } from 'vitest';
import type { AuditRecord } from '../src/audit/event.ts';
import { readStory } from '../src/audit/call-story.ts';
import { rollUp } from '../src/audit/rollup.ts';
import { searchStep } from '../src/audit/search.ts';
import { readSessions } from '../src/audit/sessions.ts';
import { COUNTED_BY, readStats, type StatsRequest } from '../src/audit/stats.ts';
import { openStoreReader } from '../src/audit/store-reader.ts';
import { tailStore } from '../src/audit/store-tail.ts';
import type { AuditEvent } from '../src/contract/audit-event.ts';
import { uuidv7 } from '../src/core/ids.ts';
import { fillAuditLog } from './audit-filling.ts';
import { usualSearches } from './audit-searches.ts';
import { openAudit, useOwnStores } from './store-kit.ts';

const stores = useOwnStores({ synchronous_commit: 'off', max_wal_size: '1GB' });

const EVENTS = 50_000;
const DAYS = 35;
const HOUR = 3_600_000;
const ago = (ms: number) => new Date(Date.now() - ms).toISOString();
const at = (minutes: number) => ago(6 * HOUR - minutes * 60_000);

const call = (more: Partial<AuditRecord> = {}): AuditRecord => ({
  kind: 'ended',
  call_id: uuidv7(),
  principal_issuer: 'local',
  principal_subject: 'ada',
  principal_method: 'os',
  persona: 'dba',
  operation: 'list_tables',
  access_class: 'schema',
  server: 'shop',
  database: 'shop',
  decision: 'allow',
  outcome: 'OK',
  rows: 3,
  bytes: 100,
  duration_ms: 12.5,
  transport: 'stdio',
  client_name: 'client',
  ...more,
});

async function opened() {
  const database = await stores.make();
  const store = await stores.open(database);
  const audit = await openAudit(store, database);
  return { database, store, audit, reader: openStoreReader(store) };
}

async function take<T>(from: AsyncIterable<T>, count = Infinity): Promise<T[]> {
  const taken: T[] = [];
  for await (const each of from) if (taken.push(each) >= count) break;
  return taken;
}

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly Plans?: readonly PlanNode[];
}

function nodesOf(node: PlanNode): PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(nodesOf)];
}

describe('a log of fifty thousand events in several months', () => {
  it('is searched by its indexes', async () => {
    const { database, audit } = await opened();
    await fillAuditLog(database, { events: EVENTS, days: DAYS, batch: 25_000 });
    const { rows: small } = await database.asOwner(
      `select relname from pg_class where relnamespace = 'howdah'::regnamespace and relkind = 'r' and reltuples < 1000`,
    );
    const mayBeRead = new Set(small.map(({ relname }) => relname as string));
    const byIndex: string[] = [];
    for (const [name, make] of Object.entries(usualSearches(DAYS, EVENTS))) {
      const { text, values } = searchStep(make(3));
      const { rows } = await database.asRunRole(`explain (format json) ${text}`, values);
      const [{ Plan }] = rows[0]['QUERY PLAN'] as [{ Plan: PlanNode }];
      const reads = nodesOf(Plan).flatMap(({ 'Relation Name': table, ...node }) =>
        table === undefined || mayBeRead.has(table) ? [] : [{ table, by: node['Index Name'] ?? node['Node Type'] }],
      );
      const whole = reads.filter(({ by }) => by === 'Seq Scan');
      expect(whole, `read whole for ${name}`).toEqual([]);
      if (reads.length > 0) byIndex.push(name);
    }
    // on the first of a month the last hour is in a small table
    const searches = Object.keys(usualSearches(DAYS, EVENTS)).filter((name) => name !== 'the last hour');
    expect(byIndex).toEqual(expect.arrayContaining(searches));
    await audit.close();
  }, 120_000);

  it('has the same figures by the counts made ahead and by the events, late ones among them', async () => {
    const { database, store, audit, reader } = await opened();
    await fillAuditLog(database, { events: 8000, days: DAYS, batch: 4000 });
    const connection = store.connect({ timeLimitMs: 60_000 });
    await rollUp(connection);
    // what comes late, into hours that are counted already: before and behind the next roll-up
    await audit.record(
      call({ at: ago(20 * 24 * HOUR), principal_subject: 'late', outcome: 'QUERY_FAILED', duration_ms: 7 }),
    );
    await rollUp(connection);
    await audit.record(
      call({ at: ago(21 * 24 * HOUR), principal_subject: 'later', decision: 'deny', outcome: 'FORBIDDEN' }),
    );
    const filters = { since: ago(30 * 24 * HOUR + 1234), until: ago(-HOUR) };
    const both = async (request: Omit<StatsRequest, 'limit' | 'raw'>) => {
      const counted = await readStats(reader, { ...request, limit: 10_000 });
      const raw = await readStats(reader, { ...request, limit: 10_000, raw: true });
      expect(counted, `asked for ${JSON.stringify(request)}`).toEqual(raw);
      return counted;
    };
    for (const by of COUNTED_BY) expect((await both({ by, filters })).length, `by ${by}`).toBeGreaterThan(0);
    for (const by of ['total', 'hour', 'principal'] as const)
      await both({ by, filters: { ...filters, principal: 'user-3' } });
    for (const by of ['day', 'server'] as const)
      await both({ by, filters: { ...filters, outcome: 'failed', server: 'server-1' } });
    const principals = await both({ by: 'principal', filters });
    expect(principals.find(({ key }) => key === 'late')).toMatchObject({ calls: 1, failed: 1, denied: 0, max_ms: 7 });
    expect(principals.find(({ key }) => key === 'later')).toMatchObject({ calls: 1, failed: 0, denied: 1 });
    const { rows: shown } = await database.asRunRole(
      `select sum(calls)::int as calls from howdah.audit_rollup where dimension = '' and grain = 'day'`,
    );
    const { rows: ended } = await database.asRunRole(
      `select count(*)::int as calls from howdah.audit_event where kind = 'ended' and principal_subject <> 'later'`,
    );
    expect(shown).toEqual(ended);
    await audit.close();
  }, 120_000);

  it('is read page by page to the end, each event once, in both directions', async () => {
    const { database, reader, audit } = await opened();
    await fillAuditLog(database, { events: 3000, days: DAYS, batch: 3000 });
    const filters = { principal: 'user-1' };
    const { rows } = await database.asRunRole(
      `select id from howdah.audit_event where principal_subject = 'user-1' order by at desc, id desc`,
    );
    const paged: AuditEvent[] = [];
    for (;;) {
      const last = paged.at(-1);
      const after = last && { at: last.at, id: last.id };
      const page = await reader.search({ filters, after, limit: 7 });
      paged.push(...page);
      if (page.length < 7) break;
    }
    expect(paged.map(({ id }) => id)).toEqual(rows.map(({ id }) => id as string));
    const all = await take(reader.all(filters));
    expect(all.toReversed().map(({ id }) => id)).toEqual(paged.map(({ id }) => id));
    expect(await take(reader.all({}))).toHaveLength(3000);
    await audit.close();
  }, 60_000);
});

describe('a call', () => {
  it('is shown whole, by its id and by that of an event, with what asked and what answered', async () => {
    const { reader, audit } = await opened();
    const [asking, answering] = [uuidv7(), uuidv7()];
    await audit.record(call({ kind: 'begun', call_id: asking, outcome: null }));
    await audit.record(call({ call_id: asking, outcome: 'INPUT_REQUIRED' }));
    await audit.record(call({ call_id: answering, details: { answers_call: asking } }));
    await audit.record(call());
    const asked = await readStory(reader, asking);
    expect(asked.events.map(({ kind }) => kind)).toEqual(['begun', 'ended']);
    expect(asked.dialogue.map(({ call_id: id }) => id)).toEqual([answering]);
    expect(asked.places.map(({ follows, isFollowed }) => [follows, isFollowed])).toEqual([
      [true, true],
      [true, true],
    ]);
    const answered = await readStory(reader, answering);
    expect(answered.dialogue.map(({ kind }) => kind)).toEqual(['begun', 'ended']);
    const byEvent = await readStory(reader, asked.events[0]?.id ?? '');
    expect(byEvent.events).toEqual(asked.events);
    for (const id of ['nothing', uuidv7(), 'ffffffff-ffff-7fff-8fff-ffffffffffff', `' or true --`]) {
      expect((await readStory(reader, id)).events).toEqual([]);
    }
    await audit.close();
  });

  it('belongs to a session, which ends with half an hour without one', async () => {
    const { reader, audit } = await opened();
    await audit.record(call({ at: at(0) }));
    await audit.record(call({ at: at(29), operation: 'unused_indexes', server: 'billing' }));
    await audit.record(call({ at: at(10), client_name: 'other' }));
    await audit.record(call({ at: at(60), decision: 'deny', outcome: 'FORBIDDEN' }));
    const sessions = await readSessions(reader, {}, 10);
    expect(sessions).toMatchObject([
      { client: 'client', calls: 1, denied: 1, tools: ['list_tables'] },
      { client: 'client', calls: 2, denied: 0, servers: ['billing', 'shop'], tools: ['list_tables', 'unused_indexes'] },
      { client: 'other', calls: 1 },
    ]);
    await audit.close();
  });
});

it('a tail begins with the newest and follows every chain, in the order of each', async () => {
  const { database, reader, audit, store } = await opened();
  for (let n = 0; n < 5; n++) await audit.record(call({ rows: n }));
  const ending = new AbortController();
  const followed = tailStore(reader, {
    lines: 2,
    filters: { operations: ['list_tables'] },
    follow: true,
    signal: ending.signal,
  });
  const first = await take({ [Symbol.asyncIterator]: () => ({ next: () => followed.next() }) }, 2);
  expect(first.map(({ rows }) => rows)).toEqual([3, 4]);
  const other = await openAudit(store, database);
  const added = take({ [Symbol.asyncIterator]: () => ({ next: () => followed.next() }) }, 30);
  for (let n = 0; n < 10; n++) {
    await audit.record(call({ rows: 100 + n, at: ago(n * 1000) }));
    await audit.record(call({ operation: 'other' }));
    await Promise.all([other.record(call({ rows: 200 + 2 * n })), other.record(call({ rows: 201 + 2 * n }))]);
  }
  const rows = (await added).map((event) => event.rows ?? 0);
  expect(rows.filter((n) => n < 200)).toHaveLength(10);
  expect(rows.filter((n) => n >= 200)).toEqual(Array.from({ length: 20 }, (_, n) => 200 + n));
  ending.abort();
  expect((await followed.next()).done).toBe(true);
  await audit.close();
  await other.close();
});

it('values of filters are never part of a statement', async () => {
  const { reader, audit } = await opened();
  await audit.record(call({ purpose: '100%_\\ "sure"', principal_subject: `o'ne` }));
  const found = async (filters: Parameters<typeof reader.search>[0]['filters']) =>
    (await reader.search({ filters, limit: 10 })).length;
  expect(await found({ principal: `o'ne` })).toBe(1);
  expect(await found({ purpose: '%_\\ "SURE' })).toBe(1);
  expect(await found({ purpose: '1%e' })).toBe(0);
  expect(await found({ operations: ['list_tables', `a"b\\{},'`] })).toBe(1);
  for (const text of [`' or true --`, '$1', '\\', '{}', '"']) {
    const narrowed = { principal: text, server: text, callId: text, text, operations: [text, text] };
    expect(await found(narrowed)).toBe(0);
  }
  await audit.close();
});
