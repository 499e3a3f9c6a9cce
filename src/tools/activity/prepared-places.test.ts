import { expect, it } from 'vitest';
import { judgePlaces } from './prepared-places.ts';

it.each([
  [{ prepared: 8, max_prepared_transactions: 10 }, 0],
  [{ prepared: 9, max_prepared_transactions: 10 }, 1],
  [{ prepared: 0, max_prepared_transactions: 0 }, 0],
])('judges whether another transaction can be prepared: %o', (row, findings) => {
  expect(judgePlaces(row, null)).toHaveLength(findings);
});

it('looks for forgotten ones before it advises more', () => {
  const [finding] = judgePlaces({ prepared: 4, max_prepared_transactions: 4 }, null);
  expect(finding?.next_step?.split('\n')).toEqual([
    expect.stringMatching(/^SELECT gid, /),
    expect.stringMatching(/^-- when none of them was forgotten/),
    expect.stringMatching(/^ALTER SYSTEM SET max_prepared_transactions = 8; -- /),
    expect.stringMatching(/restart/),
  ]);
  expect(judgePlaces({ prepared: 4, max_prepared_transactions: 4 }, 'rds')[0]?.next_step).not.toContain(
    'ALTER SYSTEM SET',
  );
});
