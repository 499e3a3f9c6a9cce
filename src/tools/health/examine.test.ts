import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { z } from 'zod';
import type { CallContext } from '../../calls/context.ts';
import { startDeadline } from '../../core/deadline.ts';
import { PlatformError } from '../../core/errors.ts';
import type { Tool } from '../kit/tool.ts';
import { examine } from './examine.ts';

const toolThat = (name: string, run: Tool['run'], timeoutMs = 5000): Tool => ({
  kind: 'tool',
  name,
  area: 'server',
  title: name,
  description: '',
  accessClass: 'diagnostic',
  alsoKnownAs: {},
  reaches: 'server',
  statements: [],
  input: z.strictObject({ limit: z.int().default(20) }),
  output: z.object({}),
  timeoutMs: () => timeoutMs,
  run,
});
const answering = (name: string) => toolThat(name, ({ input }) => Promise.resolve({ name, input }));
const failing = (name: string, code: 'SERVER_UNREACHABLE' | 'QUERY_FAILED') =>
  toolThat(name, () => Promise.reject(new PlatformError(code, `${name} failed.`)));
/** Until its own deadline, as a statement would. */
const hanging = (name: string, timeoutMs?: number) =>
  toolThat(
    name,
    ({ deadline: { signal } }) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
    timeoutMs,
  );

function contextOf(timeoutMs: number, caller = new AbortController()): { context: CallContext; told: string[] } {
  const told: string[] = [];
  const target = { within: () => target };
  const deadline = startDeadline(timeoutMs, caller.signal);
  const progress = (message: string, done: number, total?: number) => told.push(`${message} ${done}/${total}`);
  return { context: { deadline, target, progress } as unknown as CallContext, told };
}

it('runs each with the inputs that it has by default, and keeps their order', async () => {
  const slow = toolThat('slow', async () => {
    await sleep(30);
    return {};
  });
  const { context, told } = contextOf(5000);
  const examinations = await examine([answering('a'), slow, answering('b'), failing('c', 'QUERY_FAILED')], context);
  expect(examinations.map(({ tool, state }) => [tool.name, state])).toEqual([
    ['a', 'answered'],
    ['slow', 'answered'],
    ['b', 'answered'],
    ['c', 'failed'],
  ]);
  expect(examinations[0]).toMatchObject({ output: { name: 'a', input: { limit: 20 } } });
  expect(told).toHaveLength(4);
  expect(told.at(-1)).toMatch(/4\/4$/);
});

it('gives each its own time, and leaves out what does not end within that of the call', async () => {
  const { context } = contextOf(700);
  const tools = [
    answering('a'),
    hanging('brief', 50),
    hanging('long'),
    hanging('other'),
    hanging('third'),
    answering('z'),
  ];
  const started = performance.now();
  const examinations = await examine(tools, context);
  expect(performance.now() - started).toBeLessThan(700);
  expect(examinations.map(({ state }) => state)).toEqual([
    'answered',
    'failed',
    'unfinished',
    'unfinished',
    'unfinished',
    expect.stringMatching(/answered|unfinished/),
  ]);
  expect(examinations[1]).toMatchObject({ error: { code: 'TIMEOUT' } });
});

it('asks a server that is not there once', async () => {
  const { context, told } = contextOf(5000);
  const reached = examine([failing('a', 'SERVER_UNREACHABLE'), answering('b')], context);
  await expect(reached).rejects.toMatchObject({ code: 'SERVER_UNREACHABLE' });
  expect(told).toHaveLength(1);
});

it('ends when the caller leaves', async () => {
  const caller = new AbortController();
  const { context } = contextOf(5000, caller);
  const leaving = examine([answering('a'), hanging('b'), hanging('c')], context);
  await sleep(20);
  caller.abort();
  await expect(leaving).rejects.toMatchObject({ code: 'CANCELLED' });
});
