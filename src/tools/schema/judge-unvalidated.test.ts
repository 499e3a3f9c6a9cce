import { expect, it } from 'vitest';
import { judgeUnvalidated } from './judge-unvalidated.ts';
import type { UnvalidatedRow } from './unvalidated.ts';

const key: UnvalidatedRow = {
  schema: 'shop',
  table: 'lines',
  kind: 'foreign key',
  name: 'to "order"',
  state: 'disabled',
  definition: null,
  columns: ['a', 'B b'],
  referenced_schema: 'shop',
  referenced_table: 'Order',
  referenced_columns: ['x', 'y'],
  rows: 10,
  disabled_triggers: 2,
  enable: ['ALTER TABLE shop.lines ENABLE TRIGGER one;', 'ALTER TABLE shop.lines ENABLE TRIGGER two;'],
};

it('enables the triggers of a key and looks for rows that it did not see', () => {
  const [finding] = judgeUnvalidated([key]);
  expect(finding?.next_step?.split('\n')).toEqual([
    '-- takes a superuser and SHARE ROW EXCLUSIVE locks, for which writes wait; rows that were written meanwhile stay as they are',
    'ALTER TABLE shop.lines ENABLE TRIGGER one;',
    'ALTER TABLE shop.lines ENABLE TRIGGER two;',
    '-- the rows that violate it',
    'SELECT c.* FROM "shop"."lines" c WHERE c."a" IS NOT NULL AND c."B b" IS NOT NULL AND NOT EXISTS (SELECT FROM "shop"."Order" p WHERE p."x" = c."a" AND p."y" = c."B b") LIMIT 20;',
  ]);
});

it('has them written where they are many', () => {
  const [finding] = judgeUnvalidated([{ ...key, disabled_triggers: 6 }]);
  expect(finding?.next_step).toContain("SELECT format('ALTER TABLE %s ENABLE TRIGGER %I;'");
  expect(finding?.next_step).not.toContain('ENABLE TRIGGER one');
});

it.each([
  [
    'trigger',
    `SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = '"shop"."lines"'::regclass AND tgname = 'c''t';`,
    /^-- ALTER TABLE "shop"\."lines" ENABLE TRIGGER "c't"; .*SHARE ROW EXCLUSIVE/,
  ],
  [
    'rule',
    `SELECT pg_get_ruledef(oid) FROM pg_rewrite WHERE ev_class = '"shop"."lines"'::regclass AND rulename = 'c''t';`,
    /^-- ALTER TABLE "shop"\."lines" ENABLE RULE "c't"; .*ACCESS EXCLUSIVE/,
  ],
] as const)('shows a disabled %s, and leaves it to a person to enable it', (kind, look, enable) => {
  const [finding] = judgeUnvalidated([{ ...key, kind, name: "c't" }]);
  const lines = finding?.next_step?.split('\n') ?? [];
  expect(lines.filter((line) => !line.startsWith('--'))).toEqual([look]);
  expect(lines.at(-1)).toMatch(enable);
});

it.each([
  ['unique', 'The unique constraint "c"'],
  ['primary key', 'The primary key "c"'],
  ['exclusion', 'The exclusion constraint "c"'],
] as const)('names a deferrable %s whose trigger is disabled', (kind, subject) => {
  const [finding] = judgeUnvalidated([
    { ...key, kind, name: 'c', referenced_schema: null, referenced_table: null, referenced_columns: null },
  ]);
  expect(finding?.claim).toBe(`${subject} of "shop"."lines" is not checked: triggers that check it are disabled.`);
  expect(finding?.next_step).not.toContain('SELECT');
});

it.each([
  [
    'check',
    'ALTER TABLE "shop"."lines" VALIDATE CONSTRAINT "c"; -- reads the table once, beside reads and writes (SHARE UPDATE EXCLUSIVE)',
  ],
  [
    'domain check',
    'ALTER DOMAIN "shop"."lines" VALIDATE CONSTRAINT "c"; -- reads every table with a column of it; before PostgreSQL 18 their writes wait meanwhile (SHARE)',
  ],
] as const)('says how a %s is validated, and under which lock', (kind, step) => {
  const [finding] = judgeUnvalidated([{ ...key, kind, name: 'c', state: 'not valid' }]);
  expect(finding).toMatchObject({ severity: 'notice', next_step: step });
});

it('has no step for what is declared only', () => {
  expect(judgeUnvalidated([{ ...key, state: 'not enforced' }])).toMatchObject([
    {
      severity: 'notice',
      claim: 'The constraint "to ""order""" of "shop"."lines" is not enforced.',
      evidence: { enforced: false },
    },
  ]);
});
