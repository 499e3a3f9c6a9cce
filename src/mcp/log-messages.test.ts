import { expect, it } from 'vitest';
import { logTo, type LogMessageParams } from './log-messages.ts';

it('passes on what is as urgent as the client wants, and more', () => {
  const told: LogMessageParams[] = [];
  const log = logTo('warning', (params) => told.push(params));
  for (const level of ['debug', 'info', 'notice', 'warning', 'error'] as const) log?.(level, `a ${level}`);
  expect(told).toEqual([
    { level: 'warning', logger: 'howdah', data: 'a warning' },
    { level: 'error', logger: 'howdah', data: 'a error' },
  ]);
});

it.each([undefined, 'loud', 7, null])('tells nothing to a client that names the level %j', (level) => {
  expect(logTo(level, () => {})).toBeUndefined();
});
