import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { listAuditFiles, listRecentFiles } from './directory.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'howdah-audit-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const nameOf = (i: number, state = '') =>
  `20260101T0000${String(i).padStart(5, '0')}Z-1-0000000${i % 10}${state}.jsonl`;
const make = (name: string) => writeFileSync(join(directory, name), '');

it('takes no file for its own whose name holds no time', async () => {
  make('20260101T019999000Z-1-00000000.jsonl');
  make('20260101T010000000Z-1-00000000.jsonl');
  expect((await listAuditFiles(directory)).map(({ name }) => name)).toEqual(['20260101T010000000Z-1-00000000.jsonl']);
});

it('looks at the newest files and at those that are not done, however many there are', async () => {
  for (let i = 0; i < 400; i++) make(nameOf(i));
  make(nameOf(3, '.open').replace('-1-', '-2-'));
  const recent = (await listRecentFiles(directory)).map(({ name }) => name);
  expect(recent).toHaveLength(257);
  expect(recent[0]).toContain('.open');
  expect(recent.at(-1)).toBe(nameOf(399));
  expect(await listAuditFiles(directory)).toHaveLength(401);
});
