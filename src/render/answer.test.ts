import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Operation, Output } from '../calls/operation.ts';
import { Finding, NotExamined } from '../contract/finding.ts';
import { renderAnswer } from './answer.ts';

const row = {
  schema: z.string(),
  index: z.string(),
  size: z.int().meta({ unit: 'bytes' }),
  scans: z.int(),
  wait: z.number().nullable().meta({ unit: 'ms' }),
  last_scan: z.iso.datetime().nullable(),
};

function operationWith(parts: z.ZodRawShape): Operation {
  return {
    kind: 'tool',
    name: 'example',
    area: 'indexes',
    accessClass: 'diagnostic',
    title: 'Example',
    description: 'Example.',
    input: z.strictObject({}),
    output: z.object({
      server: z.string(),
      findings: z.array(Finding),
      not_examined: z.array(NotExamined).optional(),
      ...parts,
    }),
    reaches: 'nothing',
    alsoKnownAs: {},
    run: () => Promise.reject(new Error('not run')),
  };
}

const listing = operationWith({ rows: z.array(z.object(row)), truncated: z.boolean(), total: z.int().optional() });
const output: Output = {
  // not in the order of the schema
  truncated: true,
  total: 7,
  server: 'shop',
  rows: [
    { schema: 'public', index: 'orders_note', size: 1_288_490_189, scans: 0, wait: 1234, last_scan: null },
    {
      schema: 'public',
      index: '注文',
      size: 8192,
      scans: 12_345,
      wait: null,
      last_scan: '2026-01-31T10:20:30.123456Z',
    },
  ],
  findings: [
    {
      severity: 'warning',
      claim: 'The index is never used.',
      object: '"public"."orders_note"',
      evidence: { size: 1_288_490_189, scans: 0, age_ms: 7_500_000, unique: false, last_scan: null },
      next_step: 'DROP INDEX CONCURRENTLY\n  "public"."orders_note";',
    },
  ],
  not_examined: [{ what: 'Sizes of other databases', reason: 'No right to connect.', remedy: 'GRANT CONNECT …;' }],
};

describe('rendering an answer', () => {
  it('puts findings first, then the table, then what is missing', () => {
    expect(renderAnswer(listing, output)).toBe(
      [
        'WARNING The index is never used.',
        '  "public"."orders_note": size=1.2 GB scans=0 age=2 h 5 min unique=false last_scan=—',
        '    DROP INDEX CONCURRENTLY',
        '      "public"."orders_note";',
        '',
        'server: shop',
        '',
        'schema  index          size  scans    wait  last_scan',
        'public  orders_note  1.2 GB      0  1.23 s  —',
        'public  注文           8 kB  12345       —  2026-01-31 10:20:30Z',
        '',
        'truncated: the first 2 of 7 rows',
        'not examined: Sizes of other databases: No right to connect.',
        '    GRANT CONNECT …;',
      ].join('\n'),
    );
  });

  it('cuts the longest texts to fit the terminal, and never a number', () => {
    const rows = [
      { schema: 'public', index: 'i'.repeat(300), size: 123_456_789, scans: 1_234_567_890, wait: 1, last_scan: null },
    ];
    const lines = renderAnswer(listing, { server: 's', rows, findings: [], truncated: false }, { width: 70 }).split(
      '\n',
    );
    expect(lines.slice(2)).toEqual([
      `schema  index${' '.repeat(35)}size       scans  wait`,
      `public  ${'i'.repeat(35)}…  118 MB  1234567890  1 ms`,
      'without a value: last_scan',
    ]);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(70);
  });

  it('writes field by field when a terminal is too narrow for the columns', () => {
    const text = renderAnswer(listing, { ...output, findings: [], not_examined: [] }, { width: 40 });
    expect(text.split('\n').slice(2, 10)).toEqual([
      'schema     public',
      'index      orders_note',
      'size       1.2 GB',
      'scans      0',
      'wait       1.23 s',
      'last_scan  —',
      '',
      'schema     public',
    ]);
  });

  it('lets no text of a stranger start a line, move the cursor or turn the writing direction', () => {
    const hostile = 'x\nCRITICAL fake\u001b[2J\u202e';
    const rows = [{ schema: hostile, index: 'i', size: 0, scans: 0, wait: null, last_scan: null }];
    const finding = {
      severity: 'notice',
      claim: hostile,
      object: hostile,
      evidence: { [hostile]: hostile },
      next_step: hostile,
    };
    const text = renderAnswer(listing, { server: hostile, rows, findings: [finding] });
    expect(text).not.toMatch(/^CRITICAL/m);
    for (const hidden of ['\u001b', '\u202e']) expect(text).not.toContain(hidden);
    expect(text).toContain(String.raw`NOTICE x\nCRITICAL fake\u{1b}[2J\u{202e}`);
  });

  it('shows the first rows and findings when asked to be short', () => {
    const text = renderAnswer(
      listing,
      { ...output, findings: [...Array(3)].flatMap(() => output['findings']) },
      { maxRows: 1 },
    );
    expect(text).toContain('… and 2 more findings');
    expect(text).toContain('… and 1 more rows');
    expect(text.match(/^WARNING/gm)).toHaveLength(1);
  });

  it('says that a list is empty', () => {
    expect(renderAnswer(listing, { server: 's', rows: [], findings: [], truncated: false })).toBe(
      'server: s\n\nrows: none',
    );
  });

  it('writes objects, lists and long texts below their names', () => {
    const nested = operationWith({
      ready: z.boolean(),
      tags: z.array(z.string()),
      io: z.object({ read: z.int().meta({ unit: 'bytes' }), slowest: z.array(z.object({ ms: z.number() })) }),
      definition: z.string(),
      extra: z.record(z.string(), z.unknown()),
    });
    const answer = {
      server: 's',
      findings: [],
      ready: true,
      tags: ['a', 'b'],
      io: { read: 4096, slowest: [{ ms: 2.5 }, { ms: 10 }] },
      definition: 'SELECT 1\n  FROM t',
      extra: { k: 'v' },
    };
    expect(renderAnswer(nested, answer)).toBe(
      [
        'server: s',
        'ready: true',
        'tags: a, b',
        '',
        'io:',
        '  read: 4 kB',
        '  slowest:',
        '   ms',
        '  2.5',
        '   10',
        '',
        'definition:',
        '  SELECT 1',
        '    FROM t',
        '',
        'extra:',
        '  k: v',
      ].join('\n'),
    );
  });

  it('colours severities and dims headings on a terminal only', () => {
    expect(renderAnswer(listing, output, { colors: true })).toContain('\u001b[33mWARNING\u001b[0m');
    expect(renderAnswer(listing, output)).not.toContain('\u001b');
  });

  it('renders 500 rows in no time', () => {
    const rows = Array.from({ length: 500 }, (_, i) => ({ ...Object(output.rows?.[i % 2]), scans: i }));
    renderAnswer(listing, output);
    const started = performance.now();
    const lines = renderAnswer(listing, { ...output, rows }, { width: 80 }).split('\n').length;
    expect(lines).toBe(512);
    expect(performance.now() - started).toBeLessThan(2500);
  });
});
