import { describe, expect, it } from 'vitest';
import type { Finding } from '../../contract/finding.ts';
import { palette } from '../../render/palette.ts';
import { textWidth } from '../../render/text-width.ts';
import type { Checked, ShownGroup } from './checked.ts';
import { flow, wrap } from './flow.ts';
import { renderCheckup } from './render-checkup.ts';

const finding = (severity: Finding['severity'], claim: string, more: Partial<Finding> = {}): Finding => {
  return { severity, claim, evidence: {}, ...more };
};
/** One kind of problem. */
const group = (tool: string, ...findings: Finding[]): ShownGroup => {
  return { tool, severity: findings[0]?.severity ?? 'notice', fields: [], findings };
};
const checked = (grade: Checked['grade'], groups: readonly ShownGroup[], inOrder: readonly string[]): Checked => {
  const examined = new Set(groups.map(({ tool }) => tool)).size + inOrder.length;
  return { grade, groups, inOrder, examined, asked: examined, notExamined: [] };
};
const subject = { address: 'monitor@db:5432/shop', version: '16.4', inRecovery: false, tookMs: 1800 };
const style = { width: 100, palette: palette(false), all: false };

describe('the report of a check', () => {
  it('is dense and plain', () => {
    const shown = checked(
      'D',
      [
        group(
          'locks',
          finding('critical', 'A session that is idle in transaction blocks 7 others.', {
            object: 'pid 4711',
            evidence: { idle_ms: 7_500_000, blocked: 7 },
            next_step: 'SELECT pg_catalog.pg_terminate_backend(4711);',
          }),
        ),
        group(
          'indexes',
          finding('warning', 'It is never used.', { object: 'a' }),
          finding('warning', 'It is never used.', { object: 'b' }),
        ),
      ],
      ['Title of quiet'],
    );
    expect(renderCheckup(shown, subject, style)).toBe(
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
    expect(renderCheckup(checked('A', [], ['Title of a', 'Title of b']), subject, style)).toBe(
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
      group(
        `tool_${i}`,
        finding('warning', `claim ${i} ${'word '.repeat(40)}`, { next_step: 'a\nb\nc\nd\ne', object: `o${i}` }),
      ),
    );
    const shown = checked('C', many, []);
    const short = renderCheckup(shown, subject, style).split('\n');
    expect(short.length).toBeLessThanOrEqual(40);
    expect(short.some((line) => /^… and \d+ more kinds \(tool_\d+, /.test(line))).toBe(true);
    expect(Math.max(...short.map(textWidth))).toBeLessThanOrEqual(100);
    const all = renderCheckup(shown, subject, { ...style, all: true });
    for (let i = 0; i < 30; i++) expect(all).toContain(`claim ${i} `);
  });

  it('never breaks or cuts SQL within a line, and lets no name draw on the terminal', () => {
    const step = `DROP INDEX CONCURRENTLY "public"."${'x'.repeat(120)}";`;
    const shown = checked(
      'B',
      [group('t', finding('warning', 'bad\u001b[2J\nGrade A', { object: 'o\nGrade A', next_step: step }))],
      [],
    );
    const text = renderCheckup(shown, subject, style);
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
