import { describe, expect, it } from 'vitest';
import type { Finding } from '../../contract/finding.ts';
import { PlatformError } from '../../core/errors.ts';
import { palette } from '../../render/palette.ts';
import { textWidth } from '../../render/text-width.ts';
import { mergeExaminations, type Examination } from './checkup.ts';
import { gradeOf } from './grade.ts';
import { flow, wrap } from './flow.ts';
import { renderCheckup } from './render-checkup.ts';

const finding = (severity: Finding['severity'], claim: string, more: Partial<Finding> = {}): Finding => {
  return { severity, claim, evidence: {}, ...more };
};
const answered = (tool: string, ...findings: Finding[]): Examination => {
  return { tool, title: `Title of ${tool}`, fields: [], state: 'answered', findings, notExamined: [] };
};
const subject = { address: 'monitor@db:5432/shop', version: '16.4', inRecovery: false, tookMs: 1800 };
const style = { width: 100, palette: palette(false), all: false };

describe('grades', () => {
  it.each([
    [[], 'A'],
    [['notice', 'notice', 'notice', 'notice'], 'A'],
    [['warning'], 'B'],
    [['warning', 'warning', 'warning'], 'B'],
    [['warning', 'warning', 'warning', 'warning'], 'C'],
    [['critical'], 'D'],
    [['critical', 'critical', 'warning'], 'D'],
    [['critical', 'critical', 'critical'], 'F'],
  ] as const)('%j is %s', (severities, grade) => {
    expect(gradeOf(severities.map((severity) => ({ severity })))).toBe(grade);
  });
});

describe('merging what diagnostics found', () => {
  it('puts the most urgent first and counts a kind of problem once', () => {
    const checkup = mergeExaminations([
      answered('indexes', finding('warning', 'unused', { object: 'a' }), finding('warning', 'unused', { object: 'b' })),
      answered('quiet'),
      answered('locks', finding('notice', 'slow'), finding('critical', 'blocked')),
    ]);
    expect(checkup.grade).toBe('D');
    expect(checkup.groups.map(({ tool, severity, findings }) => [tool, severity, findings.length])).toEqual([
      ['locks', 'critical', 1],
      ['indexes', 'warning', 2],
      ['locks', 'notice', 1],
    ]);
    expect(checkup.inOrder).toEqual(['Title of quiet']);
  });

  it('says once what two diagnostics found, at its most urgent', () => {
    const step = 'DROP INDEX a;';
    const { groups } = mergeExaminations([
      answered('one', finding('notice', 'rarely used', { object: 'a', next_step: step })),
      answered('two', finding('warning', 'duplicate', { object: 'a', next_step: step })),
    ]);
    expect(groups.map(({ tool }) => tool)).toEqual(['two']);
  });

  it('keeps what one diagnostic found twice, and what has no object', () => {
    const step = 'SELECT * FROM pg_stat_replication;';
    const late = (claim: string, more: Partial<Finding> = {}) =>
      finding('warning', claim, { next_step: step, ...more });
    const { groups } = mergeExaminations([
      answered(
        'one',
        late('100 s behind'),
        late('900 s behind'),
        late('slow', { object: 'a' }),
        late('old', { object: 'a' }),
      ),
      answered('two', late('100 s behind'), late('slow', { object: 'a' })),
    ]);
    expect(groups.map(({ tool, findings }) => [tool, findings.map(({ claim }) => claim)])).toEqual([
      ['one', ['100 s behind', '900 s behind', 'slow', 'old']],
      ['two', ['100 s behind']],
    ]);
  });

  it('invents nothing about a server in order', () => {
    const checkup = mergeExaminations([answered('a', finding('ok', 'All is well.')), answered('b')]);
    expect(checkup).toMatchObject({ grade: 'A', groups: [], inOrder: ['Title of a', 'Title of b'], notExamined: [] });
  });

  it('says what was not examined, once for each reason, and gives no grade when nothing was', () => {
    const gap = { reason: 'No right.', remedy: 'GRANT pg_monitor TO m;' };
    const about = { title: 'T', fields: [] };
    const { notExamined } = mergeExaminations([
      { ...about, tool: 'a', state: 'answered', findings: [], notExamined: [{ what: 'texts', ...gap }] },
      {
        ...about,
        tool: 'b',
        state: 'answered',
        findings: [],
        notExamined: [
          { what: 'waits', ...gap },
          { what: 'texts', ...gap },
        ],
      },
      { ...about, tool: 'c', state: 'unfinished' },
      {
        ...about,
        tool: 'd',
        state: 'failed',
        error: new PlatformError('UNSUPPORTED', 'No extension.', { hint: 'CREATE EXTENSION x;' }),
      },
    ]);
    expect(notExamined).toEqual([
      { what: 'texts; waits', ...gap },
      { what: 'T', reason: 'Not finished in time.', remedy: 'howdah call c' },
      { what: 'T', reason: 'No extension.', remedy: 'CREATE EXTENSION x;' },
    ]);
    expect(mergeExaminations([{ ...about, tool: 'c', state: 'unfinished' }]).grade).toBeNull();
  });
});

describe('the report of a check', () => {
  it('is dense and plain', () => {
    const checkup = mergeExaminations([
      answered(
        'locks',
        finding('critical', 'A session that is idle in transaction blocks 7 others.', {
          object: 'pid 4711',
          evidence: { idle_ms: 7_500_000, blocked: 7 },
          next_step: 'SELECT pg_catalog.pg_terminate_backend(4711);',
        }),
      ),
      answered(
        'indexes',
        finding('warning', 'It is never used.', { object: 'a' }),
        finding('warning', 'It is never used.', { object: 'b' }),
      ),
      answered('quiet'),
    ]);
    expect(renderCheckup(checkup, subject, style)).toBe(
      [
        'monitor@db:5432/shop  PostgreSQL 16.4',
        '',
        'Grade D   1 critical · 1 warning   3 checks in 1.8 s',
        '',
        'CRITICAL  A session that is idle in transaction blocks 7 others.',
        '          pid 4711  idle=2 h 5 min  blocked=7',
        '          SELECT pg_catalog.pg_terminate_backend(4711);',
        '',
        'WARNING   It is never used.',
        '          a',
        '          … and 1 more: howdah call indexes',
        '',
        'In order (1): Title of quiet',
      ].join('\n'),
    );
  });

  it('says of a healthy server what was examined and nothing else', () => {
    expect(renderCheckup(mergeExaminations([answered('a'), answered('b')]), subject, style)).toBe(
      [
        'monitor@db:5432/shop  PostgreSQL 16.4',
        '',
        'Grade A   nothing to mend   2 checks in 1.8 s',
        '',
        'In order (2): Title of a, Title of b',
      ].join('\n'),
    );
  });

  it('fits forty lines however much was found, and shows all of it when asked', () => {
    const many = Array.from({ length: 30 }, (_, i) =>
      answered(
        `tool_${i}`,
        finding('warning', `claim ${i} ${'word '.repeat(40)}`, { next_step: 'a\nb\nc\nd\ne', object: `o${i}` }),
      ),
    );
    const checkup = mergeExaminations(many);
    const short = renderCheckup(checkup, subject, style).split('\n');
    expect(short.length).toBeLessThanOrEqual(40);
    expect(short.some((line) => /^… and \d+ more kinds \(tool_\d+, /.test(line))).toBe(true);
    expect(Math.max(...short.map(textWidth))).toBeLessThanOrEqual(100);
    const all = renderCheckup(checkup, subject, { ...style, all: true });
    for (let i = 0; i < 30; i++) expect(all).toContain(`claim ${i} `);
  });

  it('never breaks or cuts SQL within a line, and lets no name draw on the terminal', () => {
    const step = `DROP INDEX CONCURRENTLY "public"."${'x'.repeat(120)}";`;
    const checkup = mergeExaminations([
      answered('t', finding('warning', 'bad\u001b[2J\nGrade A', { object: 'o\nGrade A', next_step: step })),
    ]);
    const text = renderCheckup(checkup, subject, style);
    expect(text).toContain(`\n          ${step}`);
    expect(text).not.toContain('\u001b');
    expect(text.match(/^Grade/gm)).toHaveLength(1);
  });

  it('wraps between words, keeps parts whole while they fit, and cuts what is too much', () => {
    expect(flow(['a b', 'c d', 'e f g h'], '  ', { width: 5 })).toEqual(['a b', 'c d', 'e  f', 'g  h']);
    expect(wrap('aa bb cc dd', { width: 5 })).toEqual(['aa bb', 'cc dd']);
    expect(wrap('aa bb cc dd ee', { width: 5, most: 2 })).toEqual(['aa bb', 'cc d…']);
  });
});
