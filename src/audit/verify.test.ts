import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AuditEvent } from '../contract/audit-event.ts';
import { emptyChain, redraft, sealEvent } from './chain.ts';
import type { AuditLog } from './event.ts';
import { openAuditFile } from './file.ts';
import { verifyAudit, type BrokenLink } from './verify.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'howdah-verify-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const open = () => openAuditFile({ directory, version: '0.0.0' });
const names = () => readdirSync(directory).toSorted();
const pathOf = (i: number) => join(directory, names()[i] ?? 'none');
const linesOf = (i: number) => readFileSync(pathOf(i), 'utf8').split('\n').slice(0, -1);
const write = (i: number, lines: readonly string[]) =>
  writeFileSync(pathOf(i), lines.map((line) => `${line}\n`).join(''));

async function recordCalls(log: AuditLog, count: number): Promise<void> {
  for (let i = 0; i < count; i++) await log.record({ kind: 'ended', call_id: `call ${i}`, rows: i });
}

/** Three closed files, each with an opening event, five calls and a closing event. */
async function threeFiles(): Promise<void> {
  for (let i = 0; i < 3; i++) {
    const log = await open();
    await recordCalls(log, 5);
    await log.close();
  }
}

/** Seals lines anew, as someone could who knows how. */
function reseal(lines: readonly string[]): string[] {
  const events = lines.map((line) => AuditEvent.parse(JSON.parse(line)));
  let head = emptyChain(events[0]?.chain ?? '');
  return events.map((event) => {
    const sealed = sealEvent(redraft(event), head);
    head = sealed.head;
    return sealed.line;
  });
}

describe('verifyAudit', () => {
  it('finds a whole log whole, and says what it could not check', async () => {
    await threeFiles();
    const report = await verifyAudit(directory);
    expect(report).toMatchObject({ ok: true, complete: false, events: 21, broken: [] });
    expect(report.limits).toContain('newest files');
    expect(report.files.map(({ file, events, closed, notes }) => ({ file, events, closed, notes }))).toEqual(
      names().map((file) => ({ file, events: 7, closed: true, notes: [] })),
    );
    expect(report.files[0]?.head).toMatchObject({
      sequence: 6,
      hash: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
    });
  });

  it('knows a file that is still being written', async () => {
    const log = await open();
    await recordCalls(log, 1);
    const report = await verifyAudit(directory);
    expect(report).toMatchObject({ ok: true, events: 2 });
    expect(report.files[0]).toMatchObject({ closed: false, notes: [`Still written by the process ${process.pid}.`] });
    await log.close();
  });

  it('refuses a directory that is not there, and passes an empty one', async () => {
    await expect(verifyAudit(join(directory, 'none'))).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await verifyAudit(directory)).toMatchObject({ ok: true, events: 0, complete: false });
  });

  it('notes an unfinished last line and a missing closing event, which a killed process leaves', async () => {
    await threeFiles();
    const lines = linesOf(2);
    writeFileSync(pathOf(2), `${lines.slice(0, 4).join('\n')}\n${lines[4]?.slice(0, 100)}`);
    const report = await verifyAudit(directory);
    expect(report.ok).toBe(true);
    expect(report.files[2]).toMatchObject({ events: 4, closed: false });
    expect(report.files[2]?.notes).toEqual([expect.stringMatching('unfinished'), expect.stringMatching('Not closed')]);
  });
});

/** The one break of a log that has one. */
async function firstBreak(): Promise<BrokenLink | undefined> {
  const { ok, broken } = await verifyAudit(directory);
  expect(ok).toBe(false);
  expect(broken).toHaveLength(1);
  return broken[0];
}

describe('verifyAudit finds', () => {
  it('a changed event', async () => {
    await threeFiles();
    write(1, linesOf(1).with(3, (linesOf(1)[3] ?? '').replace('"rows":2', '"rows":3')));
    expect(await firstBreak()).toEqual({
      file: names()[1],
      line: 4,
      what: expect.stringMatching('was changed') as string,
    });
  });

  it('a changed event with a hash of its own', async () => {
    await threeFiles();
    const changed = linesOf(1).map((line, i) => (i === 3 ? line.replace('"rows":2', '"rows":3') : line));
    write(1, linesOf(1).with(3, reseal(changed)[3] ?? ''));
    expect(await firstBreak()).toMatchObject({ line: 5, what: expect.stringMatching('event before it') as string });
  });

  it('a deleted event', async () => {
    await threeFiles();
    write(1, linesOf(1).toSpliced(3, 1));
    expect(await firstBreak()).toMatchObject({
      file: names()[1],
      line: 4,
      what: expect.stringMatching('4 in place of 3') as string,
    });
  });

  it('an inserted event', async () => {
    await threeFiles();
    write(1, linesOf(1).toSpliced(3, 0, linesOf(1)[2] ?? ''));
    expect(await firstBreak()).toMatchObject({
      file: names()[1],
      line: 4,
      what: expect.stringMatching('2 in place of 3') as string,
    });
  });

  it('reordered events', async () => {
    await threeFiles();
    const [a = '', b = ''] = linesOf(1).slice(2, 4);
    write(1, linesOf(1).toSpliced(2, 2, b, a));
    expect(await firstBreak()).toMatchObject({ file: names()[1], line: 3 });
  });

  it('an empty line, and one of another file', async () => {
    await threeFiles();
    write(0, linesOf(0).toSpliced(3, 0, ''));
    write(1, linesOf(1).with(3, linesOf(2)[3] ?? ''));
    const { broken } = await verifyAudit(directory);
    expect(broken.map(({ file, line, what }) => [file, line, what])).toEqual([
      [names()[0], 4, 'It is not JSON.'],
      [names()[1], 4, expect.stringMatching('belongs to the chain')],
    ]);
  });

  it('a file without its first event', async () => {
    await threeFiles();
    const [, ...lines] = linesOf(0);
    write(0, lines);
    expect(await firstBreak()).toMatchObject({ file: names()[0], line: 1 });
  });

  it('a chain that begins without an opening event, though it was sealed anew', async () => {
    await threeFiles();
    write(2, reseal(linesOf(2).slice(1)));
    expect(await firstBreak()).toMatchObject({ line: 1, what: expect.stringMatching('opening event') as string });
  });

  it('an event behind the closing one', async () => {
    await threeFiles();
    write(2, reseal([...linesOf(2), linesOf(2)[3] ?? '']));
    expect(await firstBreak()).toMatchObject({
      line: 8,
      what: expect.stringMatching('behind the closing event') as string,
    });
  });

  it('a truncated file, by the link of the next', async () => {
    await threeFiles();
    write(1, linesOf(1).slice(0, 5));
    const next = names()[2]?.replace('.jsonl', '') ?? '';
    expect(await firstBreak()).toEqual({
      file: names()[1],
      line: 6,
      what: `It was truncated: ${next} links to its event 6, which is gone.`,
    });
  });

  it('a file that was emptied', async () => {
    await threeFiles();
    truncateSync(pathOf(0));
    expect(await firstBreak()).toMatchObject({
      file: names()[0],
      line: 1,
      what: expect.stringMatching('truncated') as string,
    });
  });

  it('a chain that was rewritten whole, with hashes that fit', async () => {
    await threeFiles();
    write(1, reseal(linesOf(1).map((line) => line.replace('"rows":2', '"rows":0'))));
    expect(await firstBreak()).toMatchObject({
      file: names()[1],
      line: 7,
      what: expect.stringMatching('rewritten') as string,
    });
  });

  it('a deleted file', async () => {
    await threeFiles();
    const [, gone] = names();
    rmSync(pathOf(1));
    expect(await firstBreak()).toEqual({
      file: gone,
      line: null,
      what: expect.stringMatching('deleted or moved away') as string,
    });
  });

  it('a file that took the name of another', async () => {
    await threeFiles();
    renameSync(pathOf(0), pathOf(1));
    const { broken } = await verifyAudit(directory);
    expect(broken).toEqual([
      { file: names()[0], line: 1, what: expect.stringMatching('belongs to the chain') as string },
      { file: expect.stringMatching('jsonl') as string, line: null, what: expect.stringMatching('deleted') as string },
    ]);
  });

  it('a chain in two files', async () => {
    await threeFiles();
    writeFileSync(pathOf(1).replace('.jsonl', '.open.jsonl'), readFileSync(pathOf(1)));
    expect(await firstBreak()).toMatchObject({
      line: null,
      what: expect.stringMatching('stands in two files') as string,
    });
  });

  it('a truncation of what several processes wrote at the same time', async () => {
    const [first, second] = [await open(), await open()];
    await recordCalls(first, 1);
    await recordCalls(second, 1);
    await recordCalls(first, 5);
    await first.close();
    await second.close();
    const third = await open();
    await recordCalls(third, 1);
    await third.close();
    expect(await verifyAudit(directory)).toMatchObject({ ok: true });
    for (const i of [0, 1]) {
      const lines = linesOf(i);
      write(i, lines.slice(0, -1));
      expect((await firstBreak())?.what).toMatch('truncated');
      write(i, lines);
    }
  });

  it('a truncation although the next process was killed before its first event', async () => {
    await threeFiles();
    const later = new Date(Date.now() + 60_000).toISOString().replaceAll(/[-:.]/g, '');
    writeFileSync(join(directory, `${later}-1-00000000.jsonl`), '');
    const log = await open();
    await recordCalls(log, 1);
    await log.close();
    write(2, linesOf(2).slice(0, -1));
    expect(await firstBreak()).toMatchObject({ file: names()[2], line: 7 });
  });

  it('a file that cannot be read', async () => {
    await threeFiles();
    writeFileSync(pathOf(1), 'x'.repeat(5_000_000));
    expect(await firstBreak()).toMatchObject({
      file: names()[1],
      line: 1,
      what: expect.stringMatching('longer than 4 MiB') as string,
    });
  });
});

describe('verifyAudit cannot find', () => {
  it('the truncation of the newest file, which is why it says so', async () => {
    await threeFiles();
    write(2, linesOf(2).slice(0, 3));
    expect(await verifyAudit(directory)).toMatchObject({ ok: true, complete: false });
  });
});
