import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AuditEvent } from '../contract/audit-event.ts';
import { openAuditFile } from './file.ts';
import { tailAudit } from './tail.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'howdah-tail-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const open = () => openAuditFile({ directory, version: '0.0.0' });
const at = (second: number) => new Date(Date.UTC(2025, 0, 1, 0, 0, second)).toISOString();
const call = (id: number) => ({ kind: 'ended', call_id: `${id}`, at: at(id) }) as const;
const isCall = (event: AuditEvent) => event.kind === 'ended';

async function idsOf(events: AsyncIterable<AuditEvent>): Promise<(string | null)[]> {
  const ids: (string | null)[] = [];
  for await (const event of events) ids.push(event.call_id);
  return ids;
}

describe('tailAudit', () => {
  it('gives the newest events of all files in the order of their time', async () => {
    const [first, second] = [await open(), await open()];
    for (let i = 0; i < 10; i++) await (i % 3 === 0 ? first : second).record(call(i));
    await first.close();
    expect(await idsOf(tailAudit(directory, { lines: 4, filter: isCall }))).toEqual(['6', '7', '8', '9']);
    expect(await idsOf(tailAudit(directory, { lines: 1000, filter: isCall }))).toHaveLength(10);
    expect(await idsOf(tailAudit(directory, { lines: 0 }))).toEqual([]);
    await second.close();
    expect(await idsOf(tailAudit(join(directory, 'none'), { lines: 10 }))).toEqual([]);
  });

  it('gives the newest of the events that a filter passes, however far back they are', async () => {
    const log = await open();
    await Promise.all(Array.from({ length: 1000 }, (_, i) => log.record({ ...call(i % 60), rows: i })));
    await log.close();
    const rare = tailAudit(directory, { lines: 2, filter: ({ rows }) => rows === 3 || rows === 1 });
    expect(await idsOf(rare)).toEqual(['1', '3']);
  });

  it('follows what is added, through renames and into new files, until it is told to stop', async () => {
    const controller = new AbortController();
    const first = await open();
    await first.record(call(1));
    await first.record(call(2));
    const seen: (string | null)[] = [];
    const following = (async () => {
      const options = { lines: 1, follow: true, signal: controller.signal, filter: isCall };
      for await (const event of tailAudit(directory, options)) seen.push(event.call_id);
    })();
    await expect.poll(() => seen).toEqual(['2']);
    await first.record(call(3));
    await expect.poll(() => seen).toEqual(['2', '3']);
    await first.record(call(4));
    await first.close();
    const second = await open();
    await second.record(call(5));
    await expect.poll(() => seen).toEqual(['2', '3', '4', '5']);
    controller.abort();
    await following;
    await second.close();
  });

  it('passes over what is no event and waits for the rest of a torn line', async () => {
    const log = await open();
    await log.record(call(1));
    await log.record(call(2));
    await log.close();
    const path = join(directory, readdirSync(directory)[0] ?? '');
    const [opened = '', first = '', second = ''] = readFileSync(path, 'utf8').split('\n');
    writeFileSync(path, `${opened}\n${first}\nno event\n`);
    const controller = new AbortController();
    const seen: (string | null)[] = [];
    const following = (async () => {
      const options = { lines: 10, follow: true, signal: controller.signal, filter: isCall };
      for await (const event of tailAudit(directory, options)) seen.push(event.call_id);
    })();
    await expect.poll(() => seen).toEqual(['1']);
    appendFileSync(path, second.slice(0, 50));
    await sleep(600);
    appendFileSync(path, `${second.slice(50)}\n`);
    await expect.poll(() => seen).toEqual(['1', '2']);
    controller.abort();
    await following;
  });

  it('stops at once if it was told to before it began', async () => {
    const events = tailAudit(directory, { lines: 1, follow: true, signal: AbortSignal.abort() });
    expect(await idsOf(events)).toEqual([]);
  });
});
