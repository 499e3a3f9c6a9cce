import { expect, it } from 'vitest';
import { createCheckBudget } from './check-budget.ts';

function start() {
  let now = 1_000_000;
  return { budget: createCheckBudget(() => now), pass: (ms: number) => (now += ms) };
}

it('looks at everything while few signatures are wrong', () => {
  const { budget } = start();
  for (let i = 0; i < 6000; i++) budget.failed('192.0.2.1');
  expect(budget.allows('192.0.2.1')).toBe(true);
});

it('looks at nothing more of those who send wrong ones when there are too many, and at all of the others', () => {
  const { budget, pass } = start();
  for (let i = 0; i <= 6000; i++) budget.failed(`2001:db8:0:${(i % 50).toString(16)}::${i.toString(16)}`);
  const allowed = () =>
    ['2001:db8:0:7::ffff', '2001:db8:0:ff::1', '192.0.2.1'].map((address) => budget.allows(address));
  expect(allowed()).toEqual([false, true, true]);
  pass(60_001);
  expect(allowed()).toEqual([true, true, true]);
});

it('forgets who sent them before it grows', () => {
  const { budget } = start();
  for (let i = 0; i < 30_000; i++) budget.failed(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`);
  expect([budget.allows('10.0.0.1'), budget.allows('10.0.117.47')]).toEqual([true, false]);
});
