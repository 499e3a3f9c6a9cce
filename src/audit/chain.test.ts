import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { AuditEvent } from '../contract/audit-event.ts';
import { emptyChain, readSealed, sealEvent } from './chain.ts';
import { draftRecord, type AuditRecord } from './event.ts';

const CHAIN = '20250101T000000000Z-1-00000000';
const start = emptyChain(CHAIN);
const seal = (record: AuditRecord) => sealEvent(draftRecord(record), start);

function broken(text: string | Buffer, previous = start): string | undefined {
  const read = readSealed(Buffer.from(text), previous);
  return 'broken' in read ? read.broken : undefined;
}

describe('sealEvent', () => {
  it('hashes the RFC 8785 text of the event without its hash', () => {
    const { line, head } = seal({ kind: 'ended', details: { b: 1, a: '😀' }, rows: 3 });
    const { hash, ...event } = JSON.parse(line) as Record<string, unknown>;
    const text = JSON.stringify(Object.fromEntries(Object.entries(event).toSorted(([a], [b]) => (a < b ? -1 : 1))));
    expect(text).toContain('"details":{"a":"😀","b":1},"duration_ms"');
    expect(hash).toBe(createHash('sha256').update(text).digest('hex'));
    expect(head).toEqual({ chain: CHAIN, sequence: 0, hash });
    expect(event['previous_hash']).toBe('0'.repeat(64));
  });

  it('writes every column of the contract and no other', () => {
    const event = JSON.parse(seal({ kind: 'ended' }).line) as Record<string, unknown>;
    expect(Object.keys(event)).toEqual(Object.keys(AuditEvent.shape).toSorted());
    expect(AuditEvent.parse(event)).toMatchObject({ kind: 'ended', principal_roles: [], call_id: null });
  });

  it('reads back what it wrote', () => {
    const first = seal({ kind: 'opened' });
    const second = sealEvent(draftRecord({ kind: 'ended', purpose: 'a\u2028"\\\ud800' }), first.head);
    expect(readSealed(Buffer.from(first.line), start)).toMatchObject({ head: first.head });
    expect(readSealed(Buffer.from(second.line), first.head)).toMatchObject({
      event: { purpose: 'a\u2028"\\\ufffd', sequence: 1, previous_hash: first.head.hash },
    });
  });
});

describe('draftRecord', () => {
  it('redacts every column but the masked statement', () => {
    const secret = ['password', 'hunter2'].join('=');
    const { line } = seal({
      kind: 'ended',
      called_as: secret,
      purpose: secret,
      client_name: secret,
      principal_roles: [secret],
      input: { nested: [secret] },
      details: secret,
      sql_text: 'select 1 where password = $1',
    });
    expect(line).not.toContain('hunter2');
    expect(line).toContain('"sql_text":"select 1 where password = $1"');
  });

  it('fixes the event at the time of the call', () => {
    const input = { a: 1 };
    const draft = draftRecord({ kind: 'ended', input });
    input.a = 2;
    expect(sealEvent(draft, start).line).toContain('"input":{"a":1}');
  });

  it('cuts a statement of any size', () => {
    const { line } = seal({ kind: 'ended', sql_text: 'x'.repeat(10_000_000), called_as: 'y'.repeat(10_000_000) });
    expect(line.length).toBeLessThan(80_000);
    expect(line).toContain('[10000000 characters, SHA-256');
  });

  it.each<[string, AuditRecord]>([
    ['a count below zero', { kind: 'ended', rows: -1 }],
    ['a duration that is no number', { kind: 'ended', duration_ms: Number.NaN }],
    ['an id that is no UUID', { kind: 'ended', id: '17' }],
    ['a column that is not there', Object.assign({ kind: 'ended' } as const, { color: 'red' })],
  ])('refuses %s', (_, record) => {
    expect(() => draftRecord(record)).toThrow(expect.objectContaining({ code: 'INTERNAL' }));
  });
});

describe('readSealed', () => {
  const { line, head } = seal({ kind: 'ended', purpose: '\ufffd é', rows: 10 });
  it('finds every change of a single byte', () => {
    const bytes = Buffer.from(line);
    for (let i = 0; i < bytes.length; i++) {
      for (const flip of [0x01, 0x20, 0x80]) {
        const changed = Buffer.from(bytes);
        changed[i] = (changed[i] ?? 0) ^ flip;
        expect(broken(changed), `byte ${i} of ${line}`).toBeDefined();
      }
    }
  });

  it.each([
    ['a value', line.replace('"rows":10', '"rows":11'), 'Its hash is wrong: the event was changed.'],
    ['a number in another notation', line.replace('"rows":10', '"rows":1e1'), 'It is not written as canonical JSON.'],
    ['a blank', line.replace('"rows":10', '"rows": 10'), 'It is not written as canonical JSON.'],
    ['a key twice', line.replace('"rows":10', '"rows":9,"rows":10'), 'It is not written as canonical JSON.'],
    ['an unknown column', line.replace('"rows":10', '"rows":10,"rowz":1'), 'It is not an audit event.'],
    ['a missing column', line.replace('"rows":10,', ''), 'It is not an audit event.'],
    ['a carriage return', `${line}\r`, 'It is not written as canonical JSON.'],
    ['a byte order mark', `\ufeff${line}`, 'It is not JSON.'],
    ['no text at all', '', 'It is not JSON.'],
    ['another value', '"text"', 'It is not an audit event.'],
  ])('says what is wrong with %s', (_, text, what) => {
    expect(text).not.toBe(line);
    expect(broken(text)).toBe(what);
  });

  it('refuses bytes that only decode to the same text', () => {
    const bytes = Buffer.from(line);
    const at = bytes.indexOf('\ufffd');
    const changed = Buffer.concat([bytes.subarray(0, at), Buffer.of(0xff), bytes.subarray(at + 3)]);
    expect(changed.toString()).toBe(line);
    expect(broken(changed)).toBe('It is not JSON.');
  });

  it('refuses an event in another place than its own', () => {
    expect(broken(line, emptyChain('another'))).toBe(`It belongs to the chain ${CHAIN}.`);
    expect(broken(line, head)).toMatch('Its sequence is 0 in place of 1');
    expect(broken(line, { ...start, hash: '1'.repeat(64) })).toMatch('does not follow the event before it');
  });

  it('survives JSON that is nested too deeply', () => {
    expect(broken(`${'['.repeat(500_000)}${']'.repeat(500_000)}`)).toBeDefined();
  });
});
