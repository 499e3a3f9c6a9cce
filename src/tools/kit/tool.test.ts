import { expect, it } from 'vitest';
import { z } from 'zod';
import { requestOf } from './tool.ts';

it('gives a call the time that it waits beside the time that it may take', () => {
  const own = { seconds: z.int().default(30) };
  const waiting = requestOf({ waitsS: ({ seconds }) => Number(seconds) }, own);
  expect(waiting.timeoutMs?.(waiting.input.parse({}))).toBe(35_000);
  expect(waiting.timeoutMs?.(waiting.input.parse({ seconds: 1, timeout_s: 2 }))).toBe(3000);
  const prompt = requestOf({ timeoutS: 20 }, own);
  expect(prompt.timeoutMs?.(prompt.input.parse({}))).toBe(20_000);
});
