import { expect, it } from 'vitest';
import { measurePolicyDecision } from '../../bench/policy-decision.ts';

it('decides on a call in 5 µs with 50 personas of 100 patterns: five times that is the bound here', () => {
  const { median } = measurePolicyDecision(200);
  expect(median, `it took ${median} µs`).toBeLessThan(25);
});
