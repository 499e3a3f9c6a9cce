import { expect, it } from 'vitest';
import type { Principal } from '../contract/principal.ts';
import type { CompiledPersona } from '../policy/policy.ts';
import { createProcessLimits } from './process-limits.ts';

const principal = (subject: string): Principal => ({
  issuer: 'local',
  subject,
  method: 'local',
  client: null,
  roles: [],
});
const persona = (callsPerMinute: number, concurrent: number) =>
  ({
    name: 'p',
    limits: { rows: 1, bytes: 1, timeoutMs: 1, callsPerMinute, concurrent },
  }) as unknown as CompiledPersona;

it('lets a minute of calls through and then one for each share of a minute', () => {
  let now = 0;
  const limits = createProcessLimits(() => now);
  const call = () => limits.count(principal('ada'), persona(60, 100));
  for (let i = 0; i < 60; i++) call();
  expect(call).toThrow('More than 60 calls were made within a minute.');
  now += 1000;
  call();
  expect(call).toThrow(
    expect.objectContaining({
      code: 'RATE_LIMITED',
      details: { limit: 'calls_per_minute', value: 60, retry_after_s: 1 },
    }),
  );
});

it('counts callers apart', () => {
  const limits = createProcessLimits(() => 0);
  limits.count(principal('ada'), persona(1, 1));
  limits.occupy(principal('ada'), persona(1, 1));
  expect(() => limits.count(principal('bob'), persona(1, 1))).not.toThrow();
  expect(() => limits.occupy(principal('bob'), persona(1, 1))).not.toThrow();
});

it('counts a caller whom no persona is for as the built-in viewer', () => {
  const limits = createProcessLimits(() => 0);
  const call = () => limits.count(principal('ada'), undefined);
  for (let i = 0; i < 60; i++) call();
  expect(call).toThrow(expect.objectContaining({ code: 'RATE_LIMITED', hint: 'Try again in 1 s.' }));
});

it('refuses more calls at once than allowed, and gives the place back', () => {
  const limits = createProcessLimits(() => 0);
  const first = limits.occupy(principal('ada'), persona(100, 2));
  limits.occupy(principal('ada'), persona(100, 2));
  expect(() => limits.occupy(principal('ada'), persona(100, 2))).toThrow('2 calls are already under way.');
  first();
  limits.occupy(principal('ada'), persona(100, 2));
});

it('does not grow without bound with callers', () => {
  const limits = createProcessLimits(() => 0);
  const start = performance.now();
  for (let i = 0; i < 50_000; i++) limits.count(principal(`u${i}`), persona(5, 5));
  expect(performance.now() - start).toBeLessThan(5000);
});
