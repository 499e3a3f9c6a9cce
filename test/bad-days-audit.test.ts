/** The audit log on its bad days, as a client of `howdah stdio` lives through them: no answer without a record. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { verifyAudit } from '../src/audit/verify.ts';
import { useClone } from './postgres/clone.ts';
import { newestCluster } from './postgres/each-major.ts';
import { auditDirectory, endOf, initialize, openClient, toolCall, type StdioClient } from './stdio-client.ts';
import { createStdioPlace, startRaw, type RawStdio, type StdioPlace } from './stdio-process.ts';
import { canMount } from './tmpfs.ts';

const clone = useClone(newestCluster());
let place: StdioPlace;
let client: StdioClient | undefined;

beforeEach(() => {
  place = createStdioPlace(clone().monitorUrl);
});
afterEach(async () => {
  await client?.close();
  client = undefined;
  place.remove();
});

async function open(): Promise<StdioClient> {
  client = await openClient(place);
  return client;
}

async function expectWithheld(howdah: StdioClient, reason: string): Promise<void> {
  const outcomes = await Promise.all(Array.from({ length: 4 }, () => howdah.call('list_tables', { schema: 'shop' })));
  for (const outcome of outcomes) {
    expect(outcome).toMatchObject({ code: 'UNAVAILABLE', message: 'The audit log cannot be written.' });
    expect(outcome.hint).toContain(`${reason}. `);
    expect(outcome.text).not.toContain(auditDirectory(place));
    expect(outcome.text).not.toContain('customers');
  }
  await howdah.ping();
}

async function expectAnswered(howdah: StdioClient): Promise<string> {
  const outcome = await howdah.call('list_tables', { schema: 'shop' });
  expect(outcome).toMatchObject({ code: 'OK', text: expect.stringContaining('customers') });
  expect(endOf(place, outcome.callId)).toMatchObject({ outcome: 'OK' });
  return outcome.callId;
}

it('a directory of the audit log gives way to a file, comes back, and is deleted, which is found later', async () => {
  const directory = auditDirectory(place);
  const howdah = await open();
  await expectAnswered(howdah);
  renameSync(directory, `${directory}.aside`);
  writeFileSync(directory, '');
  expect(await howdah.call('list_tables')).toMatchObject({ code: 'UNAVAILABLE' });
  await expectWithheld(howdah, 'Something that is not a directory stands in its place');
  rmSync(directory);
  renameSync(`${directory}.aside`, directory);
  await expectAnswered(howdah);
  expect(await verifyAudit(directory)).toMatchObject({ ok: true, broken: [] });

  rmSync(directory, { recursive: true });
  const refused = await howdah.call('list_tables', { schema: 'shop' });
  expect(refused).toMatchObject({ code: 'UNAVAILABLE' });
  expect(refused.hint).toContain('The directory or the file was removed or renamed');
  await expectAnswered(howdah);
  expect(endOf(place, refused.callId), 'the refused call is on record as soon as one can be').toBeDefined();
  await howdah.close();
  expect(await verifyAudit(directory)).toMatchObject({ ok: false, broken: [expect.anything()] });
});

describe.runIf(canMount())('a disk of the audit log', () => {
  beforeEach(() => {
    mkdirSync(auditDirectory(place), { mode: 0o700 });
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'howdah-test', auditDirectory(place)]);
  });
  afterEach(() => execFileSync('umount', ['-l', auditDirectory(place)]));

  it('is full for a while, and then hidden by one that is read-only', async () => {
    const directory = auditDirectory(place);
    const howdah = await open();
    await expectAnswered(howdah);
    const filler = fill();
    for (let i = 0; i < 40; i++) if ((await howdah.call('list_tables')).code === 'UNAVAILABLE') break; // to the end of its last page
    await expectWithheld(howdah, 'No space is left on its device');
    rmSync(filler);
    await expectAnswered(howdah);

    execFileSync('mount', ['-t', 'tmpfs', '-o', 'ro', 'howdah-test', directory]);
    expect(await howdah.call('list_tables')).toMatchObject({ code: 'UNAVAILABLE' });
    await expectWithheld(howdah, 'The file system is read-only');
    execFileSync('umount', [directory]);
    await expectAnswered(howdah);
    await howdah.close();
    expect(await verifyAudit(directory)).toMatchObject({ ok: true, broken: [] });
  });

  it('is full at the start, which is told to the client', async () => {
    const filler = fill();
    const raw = startRaw(place);
    try {
      const refused = await initialize(raw);
      expect(refused).toMatchObject({ error: { code: 503, data: { code: 'UNAVAILABLE' } } });
      expect(JSON.stringify(refused)).toContain('No space is left on its device');
      rmSync(filler);
      raw.send(toolCall(1, 'list_tables', { schema: 'shop' }));
      expect(JSON.stringify(await raw.answerTo(1))).toContain('customers');
    } finally {
      raw.child.kill('SIGKILL');
      await raw.exited;
    }
  });
});

/** A file of whatever room there is. */
function fill(): string {
  const filler = join(auditDirectory(place), 'filler');
  try {
    writeFileSync(filler, 'x'.repeat(65_536));
  } catch {
    // it holds what the disk could take
  }
  return filler;
}

const UNLIMITED = `
servers: { shop: { url: "\${DATABASE_URL}", connections: 8 } }
personas:
  dba: { tools: { allow: ["class:schema"] }, limits: { calls_per_minute: 1000000, concurrent: 16 } }`;

describe('a Howdah that is killed while 16 calls run', () => {
  it('has every answer on record, ten times over, and starts again', { timeout: 60_000 }, async () => {
    place.remove();
    place = createStdioPlace(clone().monitorUrl, UNLIMITED);
    const answered: string[] = [];
    const live = async (deaths: typeof DEATHS) => {
      for (const death of deaths) answered.push(...(await liveAndDie(startRaw(place), death)));
    };
    await Promise.all([live(DEATHS.slice(0, 5)), live(DEATHS.slice(5))]);
    const howdah = await open();
    await expectAnswered(howdah);
    await howdah.close();
    const recorded = new Set(place.events().flatMap(({ kind, call_id }) => (kind === 'ended' ? call_id : [])));
    expect(answered.length).toBeGreaterThan(100);
    expect(answered.filter((id) => !recorded.has(id))).toEqual([]);
    expect(await verifyAudit(auditDirectory(place))).toMatchObject({ ok: true, broken: [] });
  });
});

/** After so many answers and so many milliseconds more: from the first write of the log to the middle of its work. */
const DEATHS = [1, 7, 13, 19, 25, 30, 35, 40, 45, 50].map((answers, i) => ({ answers, thenMs: i }));

/** Keeps 16 calls running until it kills the process; gives the ids of those that were answered. */
async function liveAndDie(raw: RawStdio, { answers: enough, thenMs }: (typeof DEATHS)[number]): Promise<string[]> {
  const { child, send, received, exited } = raw;
  expect(await initialize(raw)).toHaveProperty('result');
  const answers = () => received.filter(({ id }) => typeof id === 'number');
  for (let sent = 0; answers().length < enough; await sleep(1)) {
    while (sent < answers().length + 16) send(toolCall(sent++, 'list_tables', { schema: 'shop' }));
  }
  await sleep(thenMs);
  child.kill('SIGKILL');
  await exited;
  await sleep(20); // what is still in the pipe
  return answers().map(({ result }) => {
    const { isError, _meta } = result as { isError?: boolean; _meta: Record<string, string> };
    expect(isError).toBeUndefined();
    return String(_meta['howdah/call_id']);
  });
}
