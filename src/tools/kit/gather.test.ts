import { describe, expect, it } from 'vitest';
import type { Finding } from '../../contract/finding.ts';
import { byUrgency, gather, ofSome } from './gather.ts';

const finding = (n: number, more: Partial<Finding> = {}): Finding => ({
  severity: 'notice',
  claim: `Claim ${n}.`,
  object: `"t${n}"`,
  evidence: { n },
  next_step: `ANALYZE "t${n}";`,
  ...more,
});
const several = (count: number) => Array.from({ length: count }, (_, n) => finding(n));

describe('gather', () => {
  it('leaves a few findings as they are, the most urgent first', () => {
    const findings = [finding(1), finding(2, { severity: 'critical' })];
    expect(gather(findings, () => 'Many.')).toEqual([findings[1], findings[0]]);
    expect(gather([], () => 'Many.')).toEqual([]);
  });

  it('makes one of many, with what to do about the first alone', () => {
    const [one, ...rest] = gather(several(12), (count) => `${count} tables.`);
    expect(rest).toEqual([]);
    expect(one).toEqual({
      severity: 'notice',
      claim: '12 tables.',
      evidence: { count: 12, first: '"t0", "t1", "t2", "t3", "t4", "t5", "t6", "t7", "t8", "t9"' },
      next_step: '-- for the first of them\nANALYZE "t0";',
    });
  });

  it('rather looks than acts where it is told how', () => {
    expect(gather(several(6), () => 'Six.', 'SELECT 1;')[0]?.next_step).toBe('SELECT 1;');
  });

  it('counts no more than was read', () => {
    const [one] = ofSome(gather(several(20), (count) => `${count} indexes duplicate others.`));
    expect(one).toMatchObject({
      claim: 'At least 20 indexes duplicate others.',
      evidence: { count: 20, at_least: true },
    });
    const [other] = ofSome(gather(several(20), (count) => `Unique keys of ${count} tables.`));
    expect(other?.claim).toBe('Unique keys of at least 20 tables.');
    // which are what they are
    expect(ofSome(several(2))).toEqual(several(2));
  });

  it('says a step once that is the same for all', () => {
    const same = several(6).map((each) => ({
      ...each,
      next_step: 'SELECT 1;',
      why: 'https://www.postgresql.org/docs/current/',
    }));
    expect(gather(same, () => 'Six.')).toEqual([
      expect.objectContaining({ next_step: 'SELECT 1;', why: 'https://www.postgresql.org/docs/current/' }),
    ]);
  });
});

it('sorts by urgency and keeps the order within one', () => {
  const findings = (['ok', 'notice', 'critical', 'warning', 'notice', 'critical'] as const).map((severity, n) =>
    finding(n, { severity }),
  );
  expect(byUrgency(findings).map(({ evidence }) => evidence['n'])).toEqual([2, 5, 3, 1, 4, 0]);
});
