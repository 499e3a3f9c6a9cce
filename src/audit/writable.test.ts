import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { canTakeEvents } from './writable.ts';

it('takes events for as long as its directory is there', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'howdah-writable-'));
  expect(await canTakeEvents(directory)).toBe(true);
  rmSync(directory, { recursive: true });
  expect(await canTakeEvents(directory)).toBe(false);
});
