import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AuditEvent } from '../contract/audit-event.ts';
import type { AuditLog } from './event.ts';
import { openAuditFile } from './file.ts';
import { verifyAudit } from './verify.ts';

let home: string;
let directory: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'howdah-audit-'));
  directory = join(home, 'state', 'audit');
});
afterEach(() => rmSync(home, { recursive: true }));

const open = () => openAuditFile({ directory, version: '1.2.3' });
const names = () => readdirSync(directory).toSorted();
const eventsOf = (name: string) =>
  readFileSync(join(directory, name), 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => AuditEvent.parse(JSON.parse(line)));
const allEvents = () => names().flatMap(eventsOf);
const call = (id: string) => ({ kind: 'ended', call_id: id }) as const;
const unavailable = (hint: RegExp) =>
  expect.objectContaining({
    code: 'UNAVAILABLE',
    message: 'The audit log cannot be written.',
    hint: expect.stringMatching(hint) as string,
  }) as Error;

async function withLog(use: (log: AuditLog) => Promise<void>): Promise<void> {
  const log = await open();
  await use(log);
  await log.close();
}

describe('openAuditFile', () => {
  it('makes nothing before there is something to record', async () => {
    await withLog(async () => undefined);
    expect(() => statSync(join(home, 'state'))).toThrow('ENOENT');
  });

  it('frames what it records by an opening and a closing event', async () => {
    await withLog(async (log) => {
      await log.record({ kind: 'ended', call_id: 'a', rows: 3, input: { password: 'x' } });
      expect(names()).toEqual([expect.stringMatching(/^\d{8}T\d{9}Z-\d+-[0-9a-f]{8}\.open\.jsonl$/)]);
    });
    expect(names()).toEqual([expect.stringMatching(/^\d{8}T\d{9}Z-\d+-[0-9a-f]{8}\.jsonl$/)]);
    const [opened, ended, closed] = allEvents();
    expect(opened).toMatchObject({
      kind: 'opened',
      sequence: 0,
      details: { version: '1.2.3', pid: process.pid, node: process.version, earlier: [] },
    });
    expect(ended).toMatchObject({ kind: 'ended', call_id: 'a', rows: 3, input: { password: '[redacted]' } });
    expect(closed).toMatchObject({ kind: 'closed', sequence: 2, details: { events: 2 } });
    expect(`${closed?.chain}.jsonl`).toBe(names()[0]);
  });

  it('lets nobody but the owner read', async () => {
    await withLog((log) => log.record(call('a')));
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    expect(statSync(join(directory, names()[0] ?? '')).mode & 0o777).toBe(0o600);
  });

  it('links to the newest event of the file before', async () => {
    await withLog((log) => log.record(call('a')));
    await withLog((log) => log.record(call('b')));
    const [first = '', second = ''] = names();
    const { chain, sequence, hash } = eventsOf(first).at(-1) ?? {};
    expect(eventsOf(second)[0]?.details).toHaveProperty('earlier', [{ chain, sequence, hash }]);
  });

  it('keeps the order of 2,000 events at 64 in flight', async () => {
    const asked: string[] = [];
    await withLog(async (log) => {
      await Promise.all(
        Array.from({ length: 64 }, async (_, worker) => {
          while (asked.length < 2000) {
            asked.push(`${worker}/${asked.length}`);
            await log.record(call(asked.at(-1) ?? ''));
          }
        }),
      );
    });
    expect(
      allEvents()
        .slice(1, -1)
        .map((event) => event.call_id),
    ).toEqual(asked);
    expect(await verifyAudit(directory)).toMatchObject({ ok: true, events: asked.length + 2 });
  });

  it('has an event on disk when record resolves', async () => {
    await withLog(async (log) => {
      for (const id of ['a', 'b', 'c']) {
        await log.record(call(id));
        expect(allEvents().at(-1)?.call_id).toBe(id);
      }
    });
  });

  it('records nothing after it was closed, which may happen twice', async () => {
    const log = await open();
    await log.record(call('a'));
    await Promise.all([log.close(), log.close()]);
    await expect(log.record(call('b'))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(allEvents()).toHaveLength(3);
  });

  it('writes what is still queued when it is closed', async () => {
    const log = await open();
    const recorded = [log.record(call('a')), log.record(call('b'))];
    await log.close();
    await Promise.all(recorded);
    expect(allEvents().map(({ kind }) => kind)).toEqual(['opened', 'ended', 'ended', 'closed']);
  });

  it('gives its files names in the order of their making, even if the clock was set back', async () => {
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, '29990101T000000000Z-1-00000000.jsonl'), '');
    await withLog((log) => log.record(call('a')));
    expect(names()[1]).toMatch(/^29990101T000000001Z-/);
  });
});

describe('when the audit file cannot be written', () => {
  it('refuses while its directory cannot be made, and goes on when it can', async () => {
    mkdirSync(join(home, 'state'));
    writeFileSync(directory, 'a file in the way');
    const log = await open();
    await expect(log.record(call('a'))).rejects.toThrow(unavailable(/not a directory stands in its place/));
    unlinkSync(directory);
    await log.record(call('b'));
    await log.close();
    expect(allEvents().map((event) => event.call_id)).toEqual([null, 'a', 'b', null]);
  });

  it.each([
    ['deleted', (path: string) => unlinkSync(path), /removed or renamed/],
    ['renamed', (path: string) => renameSync(path, `${path}.1`), /removed or renamed/],
    [
      'replaced',
      (path: string) => {
        const content = readFileSync(path);
        unlinkSync(path);
        writeFileSync(`${path}.new`, content);
        renameSync(`${path}.new`, path);
      },
      /replaced by another/,
    ],
    ['truncated', (path: string) => truncateSync(path, 100), /changed by another program/],
    ['written to', (path: string) => writeFileSync(path, 'x', { flag: 'a' }), /changed by another program/],
  ])('refuses when its file was %s, and goes on in a new one that links to it', async (_, tamper, hint) => {
    const warnings: string[] = [];
    const log = await openAuditFile({ directory, version: '1.2.3', warn: (message) => warnings.push(message) });
    await log.record(call('a'));
    const [name = ''] = names();
    const durable = eventsOf(name).at(-1);
    tamper(join(directory, name));
    await expect(log.record(call('b'))).rejects.toThrow(unavailable(hint));
    await log.record(call('c'));
    await log.close();
    expect(warnings).toEqual([expect.stringMatching(`${durable?.chain} was given up`)]);
    const newest = eventsOf(
      names().findLast((each) => each.endsWith('.jsonl') && !each.startsWith(durable?.chain ?? '')) ?? '',
    );
    expect(newest[0]?.details).toMatchObject({
      earlier: [{ chain: durable?.chain, sequence: durable?.sequence, hash: durable?.hash }],
    });
    expect(newest.map((event) => event.call_id)).toEqual([null, 'b', 'c', null]);
  });

  it('does not touch what another program made of its file', async () => {
    const log = await open();
    await log.record(call('a'));
    const path = join(directory, names()[0] ?? '');
    truncateSync(path, 100);
    const kept = readFileSync(path);
    await expect(log.record(call('b'))).rejects.toThrow('cannot be written');
    expect(readFileSync(path).subarray(0, 100)).toEqual(kept);
    expect(readFileSync(path).includes(0), 'a hole').toBe(false);
    await log.close();
    expect((await verifyAudit(directory)).broken).toHaveLength(1);
  });

  it('leaves no trace of files that could not be begun', async () => {
    const log = await openAuditFile({ directory: '/dev/full/audit', version: '1.2.3' });
    await expect(log.record(call('a'))).rejects.toThrow(unavailable(/not a directory/));
    await expect(log.close()).rejects.toThrow(unavailable(/not a directory/));
  });
});
