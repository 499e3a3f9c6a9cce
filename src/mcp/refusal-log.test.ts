import { expect, it } from 'vitest';
import { createLogger } from '../telemetry/logger.ts';
import { createRefusalLog } from './refusal-log.ts';

it('writes ten lines a minute at most and then says how many it kept back', () => {
  const lines: string[] = [];
  let now = 0;
  const logger = createLogger('info', { isTerminal: false, write: (line) => lines.push(line) });
  const refusals = createRefusalLog(logger, () => now);
  for (let i = 0; i < 1000; i++) refusals.add(-32700, 'The message is not JSON.');
  expect(lines).toHaveLength(10);
  now = 60_000;
  refusals.add(-32700, 'The message is not JSON.');
  refusals.add(-32700, 'The message is not JSON.');
  expect(lines.slice(10).map((line) => JSON.parse(line) as unknown)).toMatchObject([
    { code: -32700, reason: 'The message is not JSON.', refused_unsaid: 990 },
    { code: -32700 },
  ]);
  expect(lines.at(-1)).not.toContain('refused_unsaid');
});
