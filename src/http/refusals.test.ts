import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { AuditRecord } from '../audit/event.ts';
import type { Principal } from '../contract/principal.ts';
import { createLogger } from '../telemetry/logger.ts';
import { createRefusals } from './refusals.ts';

const ada: Principal = { issuer: 'key', subject: 'ada', method: 'api_key', client: null, roles: [] };
let events: AuditRecord[] = [];
let log: string[] = [];
const logger = createLogger('warn', { isTerminal: false, write: (line) => log.push(line) });
const audit = { record: async (event: AuditRecord) => void events.push(event) };

beforeEach(() => vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  events = [];
  log = [];
});

it('writes one event for an address and minute, with what was refused and to whom', async () => {
  const refusals = createRefusals({ audit, logger });
  refusals.add({ reason: 'unauthenticated', address: '192.0.2.1' });
  refusals.add({ reason: 'unauthenticated', address: '192.0.2.1' });
  refusals.add({ reason: 'protocol', detail: 'header mismatch', address: '192.0.2.1', principal: ada });
  refusals.add({ reason: 'host', address: '2001:db8::1' });
  refusals.add({ reason: 'host', address: '2001:db8::2' });
  expect(events).toEqual([]);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(events).toMatchObject([
    {
      kind: 'refused',
      decision: 'deny',
      outcome: null,
      transport: 'http',
      source_address: '192.0.2.1',
      details: { reasons: { unauthenticated: 2, 'protocol: header mismatch': 1 }, principals: ['key/ada'] },
    },
    { source_address: '2001:db8:0:0::/64', outcome: 'FORBIDDEN', details: { reasons: { host: 2 } } },
  ]);
  await vi.advanceTimersByTimeAsync(600_000);
  expect(events).toHaveLength(2);
});

it('begins a new minute with the next refusal', async () => {
  const refusals = createRefusals({ audit, logger });
  for (let minute = 0; minute < 3; minute++) {
    refusals.add({ reason: 'origin', address: '192.0.2.1' });
    await vi.advanceTimersByTimeAsync(60_000);
  }
  expect(events).toHaveLength(3);
});

it('gives the addresses of a flood one event', async () => {
  const refusals = createRefusals({ audit, logger, addressesKept: 2 });
  for (let i = 0; i < 100; i++) refusals.add({ reason: 'unrecognized', address: `192.0.2.${i}` });
  await refusals.flush();
  expect(events.map(({ source_address: address, details }) => [address, details])).toMatchObject([
    ['192.0.2.0', { reasons: { unrecognized: 1 } }],
    ['192.0.2.1', { reasons: { unrecognized: 1 } }],
    [null, { reasons: { unrecognized: 98 } }],
  ]);
});

it('bounds what one event can hold', async () => {
  const refusals = createRefusals({ audit, logger });
  for (let i = 0; i < 500; i++) {
    const principal = { ...ada, subject: `p${i}` };
    refusals.add({ reason: 'protocol', detail: `${i} ${'x'.repeat(1000)}`, address: '192.0.2.1', principal });
  }
  await refusals.flush();
  expect(JSON.stringify(events).length).toBeLessThan(5000);
  expect(events).toMatchObject([{ details: { reasons: { protocol: 470 } } }]);
});

it('survives an audit log that cannot be written, and says so in the log', async () => {
  const broken = { record: () => Promise.reject(new Error('no space')) };
  const refusals = createRefusals({ audit: broken, logger });
  refusals.add({ reason: 'host', address: '192.0.2.1' });
  await refusals.flush();
  expect(log.join('')).toContain('refused requests could not be written to the audit log');
});
