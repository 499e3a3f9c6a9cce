/** Audit events as OTLP logs, to a receiver on this machine. */
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import type { AuditRecord } from '../src/audit/event.ts';
import { createForwarding } from '../src/audit/forward.ts';
import { auditJobs } from '../src/audit/jobs.ts';
import { runJobs } from '../src/store/jobs.ts';
import type { Store } from '../src/store/open-store.ts';
import { openAudit, useOwnStores, type StoreDatabase } from './store-kit.ts';

const stores = useOwnStores();

interface Attribute {
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>>;
}
interface LogRecord {
  readonly timeUnixNano: string;
  readonly severityText: string;
  readonly eventName: string;
  readonly traceId?: string;
  readonly attributes: readonly Attribute[];
}

const receivers: Server[] = [];
afterEach(() => {
  for (const receiver of receivers.splice(0)) receiver.close();
});

/** Takes OTLP as a collector does; `answer` gives the status of each request. */
async function receive(port = 0, answer: (request: number) => number = () => 200) {
  const records: LogRecord[] = [];
  const headers: IncomingHttpHeaders[] = [];
  let requests = 0;
  const receiver = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const status = answer(requests++);
      headers.push(request.headers);
      if (status === 200) {
        const body = JSON.parse(Buffer.concat(chunks).toString());
        records.push(...body.resourceLogs[0].scopeLogs[0].logRecords);
      }
      response.writeHead(status, { 'content-type': 'application/json', location: '/elsewhere' }).end('{}');
    });
  });
  await new Promise<void>((resolve) => receiver.listen(port, '127.0.0.1', resolve));
  receivers.push(receiver);
  const address = receiver.address() as AddressInfo;
  return { records, headers, port: address.port, url: `http://127.0.0.1:${address.port}/v1/logs`, receiver };
}

const attribute = (record: LogRecord, key: string) =>
  Object.values(record.attributes.find((each) => each.key === key)?.value ?? {})[0];
const places = (records: readonly LogRecord[]) =>
  records.map(
    (record) => `${String(attribute(record, 'howdah.chain'))} ${String(attribute(record, 'howdah.sequence'))}`,
  );

const CALL: AuditRecord = {
  kind: 'ended',
  principal_subject: 'ada',
  principal_roles: ['dba', 'group:data'],
  operation: 'list_tables',
  server: 'shop',
  database: 'shop',
  decision: 'allow',
  outcome: 'OK',
  rows: 3,
  duration_ms: 12.5,
  truncated: false,
  input: { limit: 3 },
  trace_id: '4bf92f3577b34da6a3ce929d0e0e4736',
  source_address: '10.0.0.7',
};

const headers = () => Promise.resolve({ authorization: 'Bearer of-the-collector' });

function forwarding(store: Store, url: string, warnings: string[] = []) {
  return createForwarding({
    connection: store.connect(),
    url,
    headers,
    version: '0',
    warn: (text) => warnings.push(text),
  });
}

async function inStore(database: StoreDatabase): Promise<string[]> {
  const { rows } = await database.asRunRole('select chain, sequence from howdah.audit_event order by chain, sequence');
  return rows.map(({ chain, sequence }) => `${chain} ${sequence}`);
}

const never = new AbortController().signal;

it('sends every event once when all goes well, with the names that OpenTelemetry has', async () => {
  const database = await stores.make();
  const store = await stores.open(database);
  const audit = await openAudit(store, database);
  await audit.record(CALL);
  await audit.record({ ...CALL, decision: 'deny', outcome: 'FORBIDDEN' });
  const { records, headers, url } = await receive();
  const forward = forwarding(store, url);
  await forward.run(never);
  await forward.run(never);
  expect(places(records)).toEqual(await inStore(database));
  const [, sent, denied] = records;
  expect(sent).toMatchObject({ severityText: 'INFO', eventName: 'howdah.audit.ended', traceId: CALL.trace_id });
  expect(Number(BigInt(sent?.timeUnixNano ?? 0) / 1_000_000n)).toBeGreaterThan(Date.now() - 60_000);
  const said = Object.fromEntries(sent?.attributes.map(({ key, value }) => [key, value]) ?? []);
  expect(said).toMatchObject({
    'user.id': { stringValue: 'ada' },
    'user.roles': { arrayValue: { values: [{ stringValue: 'dba' }, { stringValue: 'group:data' }] } },
    'db.system.name': { stringValue: 'postgresql' },
    'db.namespace': { stringValue: 'shop' },
    'client.address': { stringValue: '10.0.0.7' },
    'howdah.rows': { intValue: '3' },
    'howdah.duration_ms': { doubleValue: 12.5 },
    'howdah.truncated': { boolValue: false },
    'howdah.input': { stringValue: '{"limit":3}' },
  });
  expect(said).not.toHaveProperty('error.type');
  expect(denied?.severityText).toBe('WARN');
  expect(denied && attribute(denied, 'error.type')).toBe('FORBIDDEN');
  expect(headers[0]).toMatchObject({ authorization: 'Bearer of-the-collector', 'content-type': 'application/json' });
  await audit.close();
});

it('loses nothing while the collector is away, refuses or breaks off, nor over a restart', async () => {
  const database = await stores.make();
  const store = await stores.open(database);
  const [audit, other] = [await openAudit(store, database), await openAudit(store, database)];
  const { port, url, receiver, records: first } = await receive();
  const record = async (count: number) => {
    for (let n = 0; n < count; n++) await Promise.all([audit.record(CALL), other.record(CALL)]);
  };
  await record(3);
  await forwarding(store, url).run(never);
  expect(first).toHaveLength(8);
  await new Promise((resolve) => {
    receiver.close(resolve);
    receiver.closeAllConnections();
  });
  await record(3);
  const away = forwarding(store, url);
  await expect(away.run(never)).rejects.toThrow('fetch failed');
  const begun = performance.now();
  await away.run(never); // not yet again
  expect(performance.now() - begun).toBeLessThan(500);
  await audit.close(); // no call waits for the collector
  // another process goes on; a redirect, an overload and a bad answer are no success
  const statuses = [307, 503, 400, 200];
  const { records: rest, headers } = await receive(port, (request) => statuses[Math.min(request, 3)] ?? 200);
  for (let turn = 0; turn < 3; turn++)
    await expect(forwarding(store, url).run(never)).rejects.toThrow(/fetch failed|answered (503|400)/);
  expect(rest).toHaveLength(0);
  expect(headers).toHaveLength(3);
  const next = forwarding(store, url);
  await next.run(never);
  await other.record(CALL);
  await next.run(never);
  const sent = places([...first, ...rest]);
  expect(sent.toSorted()).toEqual((await inStore(database)).toSorted());
  for (const chain of new Set(sent.map((place) => place.split(' ')[0]))) {
    const sequences = sent.filter((place) => place.startsWith(`${chain} `)).map((place) => Number(place.split(' ')[1]));
    expect(sequences).toEqual(sequences.map((_, n) => n));
  }
  await other.close();
});

const NO_CHECKPOINTS = { take: () => Promise.resolve() };

it('is done by one process of several, in the background', async () => {
  const database = await stores.make();
  const { records, url } = await receive();
  const stop: (() => Promise<unknown>)[] = [];
  for (let replica = 0; replica < 2; replica++) {
    const store = await stores.open(database);
    const audit = await openAudit(store, database);
    const forward = { url, headers: () => Promise.resolve({}), version: '0', warn: () => undefined };
    const jobs = runJobs(auditJobs({ store, audit, checkpoints: NO_CHECKPOINTS, forward }), {
      connection: store.connect(),
      warn: () => undefined,
    });
    stop.push(
      () => jobs.close(),
      () => audit.close(),
    );
    for (let n = 0; n < 20; n++) await audit.record(CALL);
  }
  const expected = await inStore(database);
  await expect.poll(() => records.length, { timeout: 10_000 }).toBeGreaterThanOrEqual(expected.length);
  expect(places(records).toSorted()).toEqual(expected.toSorted());
  for (const step of stop) await step();
}, 30_000);
