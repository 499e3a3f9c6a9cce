/** The audit log through the end of its process and of its disk. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openAuditFile } from '../src/audit/file.ts';
import { verifyAudit } from '../src/audit/verify.ts';
import { AuditEvent } from '../src/contract/audit-event.ts';
import { canMount } from './tmpfs.ts';

let home: string;
let directory: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'howdah-audit-'));
  directory = join(home, 'audit');
});
afterEach(() => rmSync(home, { recursive: true }));

const events = () =>
  readdirSync(directory)
    .toSorted()
    .flatMap((name) => readFileSync(join(directory, name), 'utf8').split('\n').slice(0, -1))
    .map((line) => AuditEvent.parse(JSON.parse(line)));

/** Runs calls, 16 at a time, and says on stdout which events are durable; a call is begun, and ended most of the time. */
const WRITER = `
  import { writeSync } from 'node:fs';
  import { openAuditFile } from ${JSON.stringify(new URL('../src/audit/file.ts', import.meta.url).href)};
  const log = await openAuditFile({ directory: process.argv[1], version: '0.0.0' });
  writeSync(1, 'ready\\n');
  await Promise.all(Array.from({ length: 16 }, async (_, worker) => {
    for (let i = 0; i < Number(process.argv[2]); i++) {
      const call_id = process.pid + '/' + worker + '/' + i;
      await log.record({ kind: 'begun', call_id, operation: 'query' });
      writeSync(1, 'begun ' + call_id + '\\n');
      await log.record({ kind: 'ended', call_id, operation: 'query', outcome: 'OK' });
      writeSync(1, 'ended ' + call_id + '\\n');
    }
  }));
  await log.close();
`;

function startWriter(calls: number) {
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', '--input-type=module', '-e', WRITER, directory, `${calls}`],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  const closed = once(child, 'close') as Promise<[number | null, string | null]>;
  return {
    closed,
    ready: () => expect.poll(() => output, { timeout: 15_000, interval: 5 }).toContain('ready'),
    kill: () => child.kill('SIGKILL'),
    /** What was acknowledged; the last line may have been cut by the kill. */
    acknowledged: () =>
      output
        .split('\n')
        .slice(0, -1)
        .filter((line) => line !== 'ready'),
  };
}

describe('a process that is killed', () => {
  it('loses no event that was acknowledged, 20 times over', { timeout: 120_000 }, async () => {
    const acknowledged: string[] = [];
    for (let round = 0; round < 20; round++) {
      const writer = startWriter(1_000_000);
      await writer.ready();
      await sleep(5 + 10 * round);
      writer.kill();
      await writer.closed;
      acknowledged.push(...writer.acknowledged());
    }
    const last = startWriter(1);
    expect(await last.closed).toEqual([0, null]);

    const recorded = events();
    const keys = new Set(recorded.map(({ kind, call_id }) => `${kind} ${call_id}`));
    expect(acknowledged.length).toBeGreaterThan(1000);
    expect(acknowledged.filter((line) => !keys.has(line))).toEqual([]);
    expect(await verifyAudit(directory)).toMatchObject({ ok: true, broken: [] });
    expect(readdirSync(directory).filter((name) => !/^[^.]+\.jsonl$/.test(name))).toEqual([]);

    // Every call that began has exactly one end, and the unknown ends are those that no process recorded.
    const ends = recorded.filter(({ kind }) => kind === 'ended').map(({ call_id }) => call_id);
    const begun = recorded.filter(({ kind }) => kind === 'begun').map(({ call_id }) => call_id);
    expect(ends).toHaveLength(begun.length);
    expect(new Set(ends)).toEqual(new Set(begun));
    expect(recorded.some(({ outcome }) => outcome === 'UNKNOWN')).toBe(true);
  });

  it('is recovered once, however many start at the same time', { timeout: 180_000 }, async () => {
    const wasCut = () => events().some(({ outcome }) => outcome === 'UNKNOWN');
    for (let round = 0; round < 3 || (round < 20 && !wasCut()); round++) {
      const killed = startWriter(1_000_000);
      await killed.ready();
      await sleep(100);
      killed.kill();
      await killed.closed;
      const writers = Array.from({ length: 4 }, () => startWriter(3));
      for (const writer of writers) expect(await writer.closed).toEqual([0, null]);
    }
    const ends = events().filter(({ kind }) => kind === 'ended');
    expect(new Set(ends.map(({ call_id }) => call_id)).size).toBe(ends.length);
    expect(wasCut()).toBe(true);
    expect(readdirSync(directory).filter((name) => !/^[^.]+\.jsonl$/.test(name))).toEqual([]);
    expect(await verifyAudit(directory)).toMatchObject({ ok: true });
  });
});

const call = (id: string) => ({ kind: 'ended', call_id: id, purpose: 'x'.repeat(1000) }) as const;
const filler = () => join(directory, 'filler');

async function recordUntilRefused(
  record: (id: string) => Promise<void>,
): Promise<{ durable: string[]; refused: string[] }> {
  const durable: string[] = [];
  const refused: string[] = [];
  for (let i = 0; refused.length < 5; i++) {
    await record(`${i}`).then(
      () => durable.push(`${i}`),
      () => refused.push(`${i}`),
    );
  }
  return { durable, refused };
}

/** On a file system of 64 kB. */
describe.runIf(canMount())('a disk that is full or read-only', () => {
  beforeEach(() => {
    mkdirSync(directory, { mode: 0o700 });
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'howdah-test', directory]);
  });
  afterEach(() => execFileSync('umount', ['-l', directory]));

  it('refuses while there is no room and goes on, without a restart, when there is', async () => {
    writeFileSync(filler(), 'x'.repeat(30_000));
    const log = await openAuditFile({ directory, version: '0.0.0' });
    const { durable, refused } = await recordUntilRefused((id) => log.record(call(id)));
    expect(durable.length).toBeGreaterThan(5);
    await expect(log.record(call('full'))).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: 'The audit log cannot be written.',
      hint: 'No space is left on its device. No call is answered until this is put right; no restart is needed then.',
      details: { errno: 'ENOSPC' },
      cause: { message: expect.stringContaining(directory) as string, cause: { code: 'ENOSPC' } },
    });
    const [name = ''] = readdirSync(directory).filter((each) => each.endsWith('.jsonl'));
    expect(readFileSync(join(directory, name), 'utf8').endsWith('\n'), 'nothing half written is left').toBe(true);
    expect(readdirSync(directory), 'no file is left of the vain attempts').toHaveLength(2);

    rmSync(filler());
    await log.record(call('after'));
    await log.close();
    const ids = events().flatMap(({ call_id }) => call_id ?? []);
    expect(ids).toEqual([...durable, ...refused, 'full', 'after']);
    expect(await verifyAudit(directory)).toMatchObject({ ok: true });
  });

  it('does not start a log on a full disk, until there is room', async () => {
    const log = await openAuditFile({ directory, version: '0.0.0' });
    try {
      writeFileSync(filler(), 'x'.repeat(100_000));
    } catch {
      // it holds what the disk could take
    }
    await expect(log.record(call('full'))).rejects.toMatchObject({ details: { errno: 'ENOSPC' } });
    expect(readdirSync(directory)).toEqual(['filler']);
    rmSync(filler());
    await log.record(call('after'));
    await log.close();
    expect(events().flatMap(({ call_id }) => call_id ?? [])).toEqual(['full', 'after']);
  });

  it('refuses on a file system that became read-only', async () => {
    execFileSync('mount', ['-o', 'remount,ro', directory]);
    const log = await openAuditFile({ directory, version: '0.0.0' });
    await expect(log.record(call('a'))).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      hint: expect.stringContaining('read-only') as string,
    });
    execFileSync('mount', ['-o', 'remount,rw', directory]);
    await log.record(call('b'));
    await log.close();
    expect(events().flatMap(({ call_id }) => call_id ?? [])).toEqual(['a', 'b']);
  });
});
