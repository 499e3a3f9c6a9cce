import { afterAll, expect, it } from 'vitest';
import { z } from 'zod';
import { openStatementTexts } from '../../sqltext/statement-texts.ts';
import {
  disclosureOf,
  maskStatements,
  scrubTexts,
  tellWithheld,
  requireClosedLast,
  withoutOtherDatabases,
} from './disclosure.ts';

const texts = openStatementTexts();
afterAll(() => texts.close());

const disclosure = disclosureOf({
  pid: z.int(),
  statement: z.string().nullable().meta({ names: 'statement' }),
  application: z.string().nullable().meta({ names: 'text' }).describe('What it calls itself.'),
});

it('knows the fields that others wrote, also when they are described afterwards', () => {
  const { guard, ...fields } = disclosure;
  expect(fields).toEqual({ statements: ['statement'], texts: ['application'], databases: [] });
  expect(guard.map(({ key }) => key)).toEqual(['statement', 'application']);
});

it('masks the constants of statements before it cuts them', async () => {
  const rows = [{ statement: `select 'a constant that is longer than the cut', 12345` }, { statement: null }];
  await maskStatements(rows, disclosure, { texts, length: 12 });
  expect(rows).toEqual([{ statement: 'select $1, …' }, { statement: null }]);
});

it('never cuts a character in two', async () => {
  const rows = [{ statement: 'select 1 as "🐘🐘🐘🐘"' }];
  await maskStatements(rows, disclosure, { texts, length: 16 });
  expect(rows[0]?.statement).toBe('select $1 as "…');
});

it('replaces what looks like a secret in free text', () => {
  const rows = [{ application: 'worker password=hunter2hunter2' }, { application: null }, { application: 'psql' }];
  scrubTexts(rows, disclosure);
  expect(rows[0]?.application).toMatch(/^worker password=\[\w+\]$/);
  expect(rows.slice(1)).toEqual([{ application: null }, { application: 'psql' }]);
});

const mayShow = (database: string) => database === 'shop';

it('leaves out rows of databases that may not be shown, and keeps those of none', () => {
  const named = disclosureOf({ database: z.string().nullable().meta({ names: 'database' }) });
  const rows = [{ database: 'shop' }, { database: 'payroll' }, { database: null }];
  expect(withoutOtherDatabases(rows, named, mayShow)).toEqual([{ database: 'shop' }, { database: null }]);
  expect(withoutOtherDatabases(rows, disclosure, mayShow)).toEqual(rows);
});

it('says how many rows were withheld, and nothing else of them', () => {
  expect(tellWithheld(0, 'analyst')).toEqual([]);
  expect(tellWithheld(2, 'analyst', ['databases', 'replication slots'])).toEqual([
    {
      what: '2 rows of other databases, among databases, replication slots',
      reason: 'The persona "analyst" does not open them.',
    },
  ]);
});

it('lets no tool spend its limit on rows of databases that the caller may not see', () => {
  const named = disclosureOf({ database: z.string().meta({ names: 'database' }) });
  expect(() => requireClosedLast('It', named, [{ params: ['limit'] }])).toThrow(/without closedLast/);
  expect(() => requireClosedLast('It', named, [{ params: ['limit', 'open_databases'] }])).not.toThrow();
  expect(() => requireClosedLast('It', named, [{ params: [] }])).not.toThrow();
});
