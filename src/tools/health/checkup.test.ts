import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Finding, NotExamined } from '../../contract/finding.ts';
import { PlatformError } from '../../core/errors.ts';
import type { Area, Tool } from '../kit/tool.ts';
import { mergeExaminations } from './checkup.ts';
import type { Examination } from './examine.ts';
import { gradeOf } from './grade.ts';

const toolNamed = (name: string, area: Area = 'server'): Tool => ({
  kind: 'tool',
  name,
  area,
  title: `Title of ${name}`,
  description: '',
  accessClass: 'diagnostic',
  alsoKnownAs: {},
  reaches: 'server',
  statements: [],
  input: z.strictObject({}),
  output: z.object({}),
  run: () => Promise.reject(new Error('not run')),
});
const finding = (severity: Finding['severity'], claim: string, more: Partial<Finding> = {}): Finding => {
  return { severity, claim, evidence: {}, ...more };
};
const paused = (lag_s: number) => finding('warning', 'Replay is paused.', { evidence: { lag_s } });
const answered = (tool: string, ...findings: Finding[]): Examination => {
  return { tool: toolNamed(tool), state: 'answered', output: { findings } };
};
const withGaps = (tool: string, ...gaps: NotExamined[]): Examination => {
  return { tool: toolNamed(tool), state: 'answered', output: { findings: [], not_examined: gaps } };
};

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

  it('grades each area by its own problems, in the order in which a server is examined', () => {
    const { areas } = mergeExaminations([
      { tool: toolNamed('a', 'wal'), state: 'answered', output: { findings: [finding('warning', 'w')] } },
      { tool: toolNamed('b', 'locks'), state: 'answered', output: { findings: [finding('critical', 'c')] } },
      { tool: toolNamed('c', 'io'), state: 'answered', output: { findings: [] } },
      { tool: toolNamed('d', 'security'), state: 'unfinished' },
    ]);
    expect(Object.entries(areas)).toEqual([
      ['locks', 'D'],
      ['io', 'A'],
      ['wal', 'B'],
    ]);
  });

  it('says once what two diagnostics found, at its most urgent', () => {
    const step = 'DROP INDEX a;';
    const { groups } = mergeExaminations([
      answered('one', finding('notice', 'rarely used', { object: 'a', next_step: step })),
      answered('two', finding('warning', 'duplicate', { object: 'a', next_step: step })),
    ]);
    expect(groups.map(({ tool }) => tool)).toEqual(['two']);
  });

  it('says once what two diagnostics found of the server as a whole', () => {
    const { groups } = mergeExaminations([answered('one', paused(1.5)), answered('two', paused(1.6))]);
    expect(groups.map(({ tool }) => tool)).toEqual(['one']);
  });

  it('keeps what one diagnostic found twice, and what only shares a step', () => {
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
      answered('two', late('50 s behind'), late('slow', { object: 'a' })),
    ]);
    expect(groups.map(({ tool, findings }) => [tool, findings.map(({ claim }) => claim)])).toEqual([
      ['one', ['100 s behind', '900 s behind', 'slow', 'old']],
      ['two', ['50 s behind']],
    ]);
  });

  it('invents nothing about a server in order', () => {
    const checkup = mergeExaminations([answered('a', finding('ok', 'All is well.')), answered('b')]);
    expect(checkup).toMatchObject({ grade: 'A', groups: [], inOrder: ['Title of a', 'Title of b'], notExamined: [] });
  });

  it('says what was not examined and what was left out, once for each reason', () => {
    const gap = { reason: 'No right.', remedy: 'GRANT pg_monitor TO m;' };
    const unsupported = (tool: string): Examination => ({
      tool: toolNamed(tool),
      state: 'failed',
      error: new PlatformError('UNSUPPORTED', `${tool} needs the extension x, which database "d" lacks.`, {
        hint: 'CREATE EXTENSION x;',
      }),
    });
    const { notExamined, skipped } = mergeExaminations([
      withGaps('a', { what: 'texts', ...gap }),
      withGaps('b', { what: 'waits', ...gap }, { what: 'texts', ...gap }),
      { tool: toolNamed('c'), state: 'unfinished' },
      unsupported('d'),
      unsupported('e'),
      { tool: toolNamed('f'), state: 'failed', error: new PlatformError('TIMEOUT', 'The call took too long.') },
    ]);
    expect(notExamined).toEqual([
      { what: 'texts; waits', ...gap },
      { what: 'Title of f', reason: 'The call took too long.' },
    ]);
    expect(skipped).toEqual([
      { tools: ['c'], reason: 'Not finished in time.' },
      {
        tools: ['d', 'e'],
        reason: 'Needs the extension x, which database "d" lacks.',
        remedy: 'CREATE EXTENSION x;',
      },
    ]);
  });

  it('leaves out what the server has nothing of', () => {
    const error = new PlatformError('UNSUPPORTED', 'No pooler.', { details: { not_applicable: true } });
    const absent: Examination = { tool: toolNamed('pools', 'pgbouncer'), state: 'failed', error };
    const checkup = mergeExaminations([answered('quiet'), absent]);
    expect(checkup).toMatchObject({ examined: 1, asked: 1, notExamined: [], skipped: [], areas: { server: 'A' } });
  });

  it('gives no grade when nothing was examined', () => {
    expect(mergeExaminations([{ tool: toolNamed('c'), state: 'unfinished' }])).toMatchObject({
      grade: null,
      areas: {},
    });
  });
});
