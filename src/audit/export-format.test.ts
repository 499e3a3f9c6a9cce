import { describe, expect, it } from 'vitest';
import { AuditEvent } from '../contract/audit-event.ts';
import { formatters } from './export-format.ts';

const EMPTY = Object.fromEntries(Object.keys(AuditEvent.shape).map((name) => [name, null]));
const event = (columns: Partial<AuditEvent>) => ({ ...EMPTY, ...columns }) as AuditEvent;
const cellOf = (purpose: string) => {
  const line = formatters.csv.line(event({ id: 'i', purpose }));
  return line.slice(2, -2).replaceAll(/^,+|,+$/g, '');
};

describe('an export as CSV', () => {
  it('has the columns of the log in their order', () => {
    expect(formatters.csv.head).toBe(`${Object.keys(AuditEvent.shape).join(',')}\r\n`);
    expect(formatters.csv.line(event({ id: 'i', at: 't', rows: 3 })).split(',')).toHaveLength(
      Object.keys(AuditEvent.shape).length,
    );
  });

  it.each([
    ['a "quoted" word', '"a ""quoted"" word"'],
    ['a, b', '"a, b"'],
    ['two\r\nlines', '"two\r\nlines"'],
    ['plain', 'plain'],
  ])('quotes %j as RFC 4180 has it', (text, cell) => {
    expect(cellOf(text)).toBe(cell);
  });

  it.each(['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', ' =1', '＝1'])('has no formula of %j', (text) => {
    expect(cellOf(text).replace(/^"/, '')).toMatch(/^'/);
  });

  it('has lists and objects as JSON, and nothing for null', () => {
    const line = formatters.csv.line(event({ principal_roles: ['dba'], input: { a: 1 }, truncated: false }));
    expect(line).toContain(',"[""dba""]",');
    expect(line).toContain(',"{""a"":1}",');
    expect(line).toContain(',false,');
    expect(line).not.toContain('null');
  });
});

it('an export as JSON lines is one event a line, as it was recorded', () => {
  const one = event({ id: 'i', purpose: 'a\nb' });
  expect(formatters.jsonl.line(one)).toBe(`${JSON.stringify(one)}\n`);
  expect(formatters.jsonl.line(one).trimEnd()).not.toContain('\n');
});
