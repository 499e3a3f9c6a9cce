import { expect, it } from 'vitest';
import type { Finding } from '../../contract/finding.ts';
import { briefly, brieflyNotExamined, inFull } from './brief.ts';
import type { FindingGroup } from './checkup.ts';

const finding = (severity: Finding['severity'], more: Partial<Finding> = {}): Finding => ({
  severity,
  claim: 'It is so.',
  object: '"a"."b"',
  evidence: { size: 1 },
  why: 'https://www.postgresql.org/docs/current/',
  next_step: 'SELECT 1;',
  ...more,
});
const group = (tool: string, ...findings: Finding[]): FindingGroup => {
  return { tool, area: 'server', severity: findings[0]?.severity ?? 'notice', findings };
};

it('has the first finding of each kind, and how many more there are', () => {
  const { findings, omitted } = briefly([
    group('a', finding('critical'), finding('critical'), finding('critical')),
    group('b', finding('notice')),
  ]);
  expect(findings).toEqual([
    {
      tool: 'a',
      severity: 'critical',
      claim: 'It is so.',
      object: '"a"."b"',
      evidence: { size: 1 },
      next_step: 'SELECT 1;',
      more: 2,
    },
    { tool: 'b', severity: 'notice', claim: 'It is so.', object: '"a"."b"', evidence: {} },
  ]);
  expect(omitted).toEqual([]);
});

it('never cuts a statement: one that is long is left to its tool', () => {
  const [long] = briefly([group('a', finding('warning', { next_step: `SELECT ${'x'.repeat(400)};` }))]).findings;
  expect(long?.next_step).toBe('-- a has it');
});

it('counts what there is no room for, the least urgent first', () => {
  const groups = Array.from({ length: 60 }, (_, i) =>
    group(`tool_${i}`, finding(i < 30 ? 'warning' : 'notice', { claim: 'word '.repeat(30) })),
  );
  const { findings, omitted } = briefly(groups);
  expect(JSON.stringify(findings).length).toBeLessThan(4500);
  expect(findings.length + omitted.length).toBe(60);
  expect(findings.map(({ tool }) => tool)).toEqual(groups.slice(0, findings.length).map(({ tool }) => tool));
  expect(omitted.at(-1)).toEqual({ tool: 'tool_59', severity: 'notice', findings: 1 });
});

it('has everything in full', () => {
  expect(inFull([group('a', finding('warning'), finding('warning'))])).toEqual({
    findings: [
      { tool: 'a', ...finding('warning') },
      { tool: 'a', ...finding('warning') },
    ],
    omitted: [],
  });
});

it('says how much was not examined that there is no room for', () => {
  const gaps = Array.from({ length: 30 }, (_, i) => ({ what: `part ${i} ${'word '.repeat(10)}`, reason: 'No right.' }));
  const shown = brieflyNotExamined(gaps);
  expect(JSON.stringify(shown).length).toBeLessThan(1200);
  expect(shown.at(-1)?.what).toBe(`${30 - shown.length + 1} more things`);
  expect(brieflyNotExamined(gaps.slice(0, 2))).toEqual(gaps.slice(0, 2));
});
