import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AuditEvent } from '../contract/audit-event.ts';
import { emptyChain, sealEvent } from './chain.ts';
import type { OpenedDetails } from './earlier.ts';
import { draftRecord, type AuditRecord } from './event.ts';
import { openAuditFile } from './file.ts';
import { verifyAudit } from './verify.ts';
import { thisProcess } from './writer-process.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'howdah-recovery-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const DEAD = spawnSync('true').pid;
const A = '20250101T000000000Z-7-0000000a';
const B = '20250101T000000001Z-7-0000000b';

const names = () => readdirSync(directory).toSorted();
const read = (name: string) => readFileSync(join(directory, name), 'utf8');
const eventsOf = (name: string) =>
  read(name)
    .split('\n')
    .slice(0, -1)
    .map((line) => AuditEvent.parse(JSON.parse(line)));
const begun = (call_id: string) =>
  ({
    kind: 'begun',
    call_id,
    operation: 'query',
    principal_subject: 'ann',
    server: 'shop',
    input: { limit: 5 },
  }) as const;
const ended = (call_id: string) => ({ kind: 'ended', call_id, outcome: 'OK' }) as const;

/** What a process leaves that was killed. */
function leave(name: string, records: readonly AuditRecord[], writer: Partial<OpenedDetails> = {}): void {
  const details = { pid: DEAD, hostname: hostname(), started: null, version: '1', node: 'v20', earlier: [], ...writer };
  let head = emptyChain(name.split('.')[0] ?? '');
  let text = '';
  for (const record of [{ kind: 'opened', details } as const, ...records]) {
    const sealed = sealEvent(draftRecord(record), head);
    head = sealed.head;
    text += `${sealed.line}\n`;
  }
  writeFileSync(join(directory, name), text);
}

async function restart(): Promise<string[]> {
  const warnings: string[] = [];
  const log = await openAuditFile({ directory, version: '2', warn: (message) => warnings.push(message) });
  await log.close();
  return warnings;
}

/** The ends that were recorded for calls by a recovery. */
const recovered = () =>
  names()
    .flatMap(eventsOf)
    .filter(({ outcome }) => outcome === 'UNKNOWN');

describe('a start behind a killed process', () => {
  it('ends the calls that it left as UNKNOWN, and leaves its file as it was but for the name', async () => {
    leave(`${A}.open.jsonl`, [begun('first'), begun('second'), ended('second'), begun('third')]);
    const before = read(`${A}.open.jsonl`);
    expect(await restart()).toEqual([]);
    expect(names()).toEqual([`${A}.jsonl`, expect.stringMatching(`-${process.pid}-.*[0-9a-f]\\.jsonl$`)]);
    expect(read(`${A}.jsonl`)).toBe(before);
    const [, original] = eventsOf(`${A}.jsonl`);
    expect(recovered().map(({ call_id }) => call_id)).toEqual(['first', 'third']);
    const end = recovered()[0];
    expect(end).toEqual({
      ...original,
      id: end?.id,
      at: end?.at,
      kind: 'ended',
      outcome: 'UNKNOWN',
      details: { recovered_from: A },
      chain: end?.chain,
      sequence: 1,
      previous_hash: end?.previous_hash,
      hash: end?.hash,
    });
    expect(end?.id).not.toBe(original?.id);
    expect(await verifyAudit(directory)).toMatchObject({ ok: true });
  });

  it('makes no file of its own when nothing was left unfinished', async () => {
    leave(`${A}.open.jsonl`, [begun('first'), ended('first')]);
    await restart();
    expect(names()).toEqual([`${A}.jsonl`]);
  });

  it('reads past a torn last line, and past an empty file', async () => {
    leave(`${A}.open.jsonl`, [begun('first')]);
    writeFileSync(join(directory, `${A}.open.jsonl`), '{"kind":"ended","call_id":"fi', { flag: 'a' });
    writeFileSync(join(directory, `${B.replace('-7-', `-${DEAD}-`)}.open.jsonl`), '');
    await restart();
    expect(recovered()).toHaveLength(1);
    expect(names().filter((name) => name.includes('open'))).toEqual([]);
    expect(await verifyAudit(directory)).toMatchObject({ ok: true });
  });

  it('does it once', async () => {
    leave(`${A}.open.jsonl`, [begun('first')]);
    await restart();
    await restart();
    expect(recovered()).toHaveLength(1);
  });

  it('does it once, however many start at the same time', async () => {
    const calls = Array.from({ length: 50 }, (_, i) => `${i}`);
    leave(`${A}.open.jsonl`, calls.map(begun));
    await Promise.all(Array.from({ length: 8 }, restart));
    expect(recovered().map(({ call_id }) => call_id)).toEqual(calls);
    expect(names().filter((name) => !/^[^.]+\.jsonl$/.test(name))).toEqual([]);
    expect(await verifyAudit(directory)).toMatchObject({ ok: true });
  });

  it('knows a call that ended in a later file of the same process', async () => {
    leave(`${A}.open.jsonl`, [begun('first'), begun('second')]);
    leave(`${B}.open.jsonl`, [ended('first')]);
    await restart();
    expect(recovered().map(({ call_id }) => call_id)).toEqual(['second']);
  });

  it.runIf(process.platform === 'linux')('is not fooled by a later process with the same number', async () => {
    leave(`${A}.open.jsonl`, [begun('first')], { pid: process.pid, started: 'another boot/17' });
    await restart();
    expect(recovered()).toHaveLength(1);
  });

  it('leaves alone what a living process writes', async () => {
    leave(`${A}.open.jsonl`, [begun('first')], await thisProcess());
    const before = read(`${A}.open.jsonl`);
    await restart();
    expect(names()).toEqual([`${A}.open.jsonl`]);
    expect(read(`${A}.open.jsonl`)).toBe(before);
  });

  it('leaves alone what a process on another host writes', async () => {
    leave(`${A}.open.jsonl`, [begun('first')], { hostname: 'elsewhere' });
    await restart();
    expect(names()).toEqual([`${A}.open.jsonl`]);
  });

  it('warns of a file that it cannot read, and recovers the others', async () => {
    leave(`${A}.open.jsonl`, [begun('first')]);
    leave(`${B}.open.jsonl`, [begun('second')]);
    writeFileSync(join(directory, `${A}.open.jsonl`), 'x'.repeat(5_000_000), { flag: 'a' });
    expect(await restart()).toEqual([expect.stringContaining(A)]);
    expect(recovered().map(({ call_id }) => call_id)).toEqual(['second']);
  });
});

describe('a start behind a killed recovery', () => {
  it('records what that one had not recorded yet', async () => {
    leave(`${A}.recovering-${B}.jsonl`, [begun('first'), begun('second')]);
    leave(`${B}.open.jsonl`, [
      { ...begun('first'), kind: 'ended', outcome: 'UNKNOWN', details: { recovered_from: A } },
    ]);
    await restart();
    expect(recovered().map(({ call_id }) => call_id)).toEqual(['first', 'second']);
    expect(names()).toEqual([`${A}.jsonl`, `${B}.jsonl`, expect.stringMatching(/Z-\d+-.*[0-9a-f]\.jsonl$/)]);
    expect(await verifyAudit(directory)).toMatchObject({ ok: true });
  });

  it('belongs to the process that began it, for as long as that one lives', async () => {
    leave(`${A}.open.jsonl`, [begun('first'), begun('second')]);
    const warnings: string[] = [];
    const log = await openAuditFile({
      directory,
      version: '2',
      limits: { maxEvents: 1 },
      warn: (message) => warnings.push(message),
    });
    expect(warnings, 'it has room for one of the two ends').toEqual([expect.stringContaining(A)]);
    const [claimed = '', own = ''] = names();
    expect(claimed).toBe(`${A}.recovering-${own.replace('.open.jsonl', '')}.jsonl`);
    await restart();
    expect(names(), 'another start').toContain(claimed);
    await log.close();
    await restart();
    expect(names(), 'a start behind its end').toContain(`${A}.jsonl`);
    expect(recovered().map(({ call_id }) => call_id)).toEqual(['first', 'second']);
  });

  it('waits for one that is still under way', async () => {
    leave(`${A}.recovering-${B}.jsonl`, [begun('first')]);
    leave(`${B}.open.jsonl`, [], await thisProcess());
    await restart();
    expect(names()).toEqual([`${A}.recovering-${B}.jsonl`, `${B}.open.jsonl`]);
  });

  it('does not look for ends in files that are older than the calls', async () => {
    leave(`${A}.jsonl`, [ended('first')]);
    utimesSync(join(directory, `${A}.jsonl`), 0, 0);
    leave(`${B}.open.jsonl`, [begun('first')]);
    await restart();
    expect(recovered()).toHaveLength(1);
  });
});
