import { once } from 'node:events';
import { expect, it } from 'vitest';
import { PersonaSpec } from '../contract/persona.ts';
import { startDeadline } from '../core/deadline.ts';
import type { PlatformError } from '../core/errors.ts';
import { localPrincipal } from '../identity/local-principal.ts';
import { compilePersonas } from '../policy/compile.ts';
import type { Operation } from './operation.ts';
import { createRunningCalls, watchForRevocation, type RunningCall } from './running.ts';

const principal = localPrincipal('asker', 'ada');
const operations = [{ name: 'query', area: 'sql', accessClass: 'query' }] as unknown as readonly Operation[];
const open = compilePersonas({ asker: PersonaSpec.parse({ tools: { allow: ['query'] } }) });
const closed = compilePersonas({ asker: PersonaSpec.parse({}) });

function start(running: ReturnType<typeof createRunningCalls>, since = running.moment()) {
  const ended: PlatformError[] = [];
  const call = {
    principal,
    operations,
    destination: undefined,
    data: undefined,
    dataGrants: { canonical: '' },
    end: (error: PlatformError) => void ended.push(error),
  };
  return { ended, forget: running.add(call, since) };
}

it('ends the calls that are allowed no more, and no other', () => {
  const running = createRunningCalls();
  const call = start(running);
  expect(running.review(open, (caller) => caller)).toBe(0);
  expect(running.review(closed, (caller) => caller)).toBe(1);
  expect(call.ended).toMatchObject([
    {
      code: 'FORBIDDEN',
      hint: 'An administrator changed the personas or the keys, or a grant has ended; see what you may call now.',
      details: { rule: 'no rule of personas.asker.tools.allow matches', revoked_by: closed.version },
    },
  ]);
});

it('ends the calls of who is let in no more', () => {
  const running = createRunningCalls();
  const call = start(running);
  running.review(open, () => undefined);
  expect(call.ended).toMatchObject([{ details: { persona: null, rule: 'no persona is for the caller any more' } }]);
});

it('ends a call whose rights were read before a review and that is added after it', () => {
  const running = createRunningCalls();
  const since = running.moment();
  running.review(closed, (caller) => caller);
  expect(start(running, since).ended).toHaveLength(1);
  expect(start(running).ended).toHaveLength(0);
});

it('leaves alone what is over', () => {
  const running = createRunningCalls();
  const call = start(running);
  call.forget();
  expect(running.review(closed, (caller) => caller)).toBe(0);
  expect(call.ended).toEqual([]);
});

it('ends a call with the credential that it was made with, and withholds its answer', async () => {
  const running = createRunningCalls();
  const deadline = startDeadline(10_000, new AbortController().signal);
  const call = { principal, operations, destination: undefined, data: undefined, dataGrants: { canonical: '' } };
  const add = (added: RunningCall) => running.add(added, running.moment());
  const watch = watchForRevocation({ ...call, expiresAtMs: Date.now() + 20 }, deadline, add);
  const lasting = watchForRevocation({ ...call, expiresAtMs: Date.now() + 3_600_000 }, deadline, add);
  watch.check();
  await once(deadline.signal, 'abort');
  expect(deadline.signal.reason).toMatchObject({ code: 'UNAUTHENTICATED' });
  expect(() => watch.check()).toThrow('The credential of the call ended');
  lasting.check();
  watch.forget();
  lasting.forget();
  deadline.clear();
});
