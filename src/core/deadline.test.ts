import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { startDeadline } from './deadline.ts';

it('aborts with TIMEOUT when the time is up', async () => {
  const deadline = startDeadline(20, new AbortController().signal);
  expect(deadline.remainingMs()).toBeGreaterThan(0);
  await sleep(60);
  expect(deadline.signal.reason).toMatchObject({ code: 'TIMEOUT', details: { timeout_ms: 20 } });
  expect(deadline.remainingMs()).toBe(0);
});

it('aborts with CANCELLED when the caller leaves, also before it began', () => {
  const caller = new AbortController();
  const deadline = startDeadline(10_000, caller.signal);
  caller.abort();
  expect(deadline.signal.reason).toMatchObject({ code: 'CANCELLED' });
  expect(startDeadline(10_000, caller.signal).signal.aborted).toBe(true);
  deadline.clear();
});

it('does nothing after it was cleared', async () => {
  const caller = new AbortController();
  const deadline = startDeadline(10, caller.signal);
  deadline.clear();
  caller.abort();
  await sleep(40);
  expect(deadline.signal.aborted).toBe(false);
});
