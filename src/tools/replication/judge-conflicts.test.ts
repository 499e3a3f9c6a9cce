import { expect, it } from 'vitest';
import { judgeConflicts } from './judge-conflicts.ts';
import type { Conflicts } from './position.ts';

const row: Conflicts = {
  database: 'shop',
  tablespace: 0,
  lock: 2,
  snapshot: 3,
  buffer_pin: 0,
  deadlock: 0,
  logical_slot: null,
};
const judge = (rows: readonly Conflicts[], feedback = false) =>
  judgeConflicts(rows, { hot_standby_feedback: feedback, service: null });

it('counts what replay cancelled in all databases', () => {
  expect(judge([row, row])).toEqual([
    expect.objectContaining({
      severity: 'notice',
      claim: 'Replay has cancelled 10 queries on this standby since statistics were reset.',
      evidence: {
        snapshot: 6,
        lock: 4,
        buffer_pin: 0,
        deadlock: 0,
        tablespace: 0,
        logical_slot: 0,
        hot_standby_feedback: false,
      },
    }),
  ]);
});

it('says nothing of a few', () => {
  expect(judge([row])).toEqual([]);
  expect(judge([{ ...row, snapshot: 7 }])).toEqual([]);
  expect(judge([{ ...row, snapshot: 8 }])).toHaveLength(1);
});

it('advises by the kinds that there were, and changes nothing by itself', () => {
  const step = judge([{ ...row, snapshot: 100, lock: 0 }])[0]?.next_step ?? '';
  const [look = '', ...rest] = step.split('\n');
  expect(look).toMatch(/^SELECT name, setting, unit FROM pg_settings .*;$/);
  expect(rest.every((line) => line.startsWith('-- '))).toBe(true);
  expect(step).toContain('-- ALTER SYSTEM SET hot_standby_feedback = on;');
  expect(step).toContain('max_standby_streaming_delay');
  expect(step).not.toContain('-- lock:');
});

it('does not advise feedback where it is on, or would not help', () => {
  expect(judge([{ ...row, snapshot: 100 }], true)[0]?.next_step).not.toContain('hot_standby_feedback = on');
  const locks = judge([{ ...row, snapshot: 0, lock: 100 }])[0]?.next_step;
  expect(locks).toContain('-- lock: DDL');
  expect(locks).not.toContain('hot_standby_feedback = on');
});

it('tells a customer of a managed service where to set it', () => {
  const [finding] = judgeConflicts([row, row], { hot_standby_feedback: false, service: 'rds' });
  expect(finding?.next_step).toContain('Amazon RDS has no ALTER SYSTEM');
  expect(finding?.next_step).not.toMatch(/^ALTER SYSTEM/m);
});
