import { expect, it } from 'vitest';
import { PlatformError } from '../core/errors.ts';
import { createCatalog } from './catalog.ts';
import { createCallRecord } from './record.ts';

it('keeps little of a call that was one too many, whatever it said of itself', () => {
  const long = 'x'.repeat(100_000);
  const record = createCallRecord('call', {
    catalog: createCatalog([]),
    name: long,
    arguments: { text: long },
    principal: { issuer: 'key', subject: 'ada', method: 'api_key', client: null, roles: ['dba'] },
    origin: { transport: 'http', protocolVersion: long, clientName: long, clientVersion: long },
    signal: new AbortController().signal,
  });
  record.failed(new PlatformError('RATE_LIMITED', 'Too many calls were made.'));
  const event = record.ended();
  expect(event).toMatchObject({ outcome: 'RATE_LIMITED', input: null });
  expect(JSON.stringify(event).length).toBeLessThan(1500);
});
