import { describe, expect, it } from 'vitest';
import { compileDataRules } from '../policy/data-rules.ts';
import { createHiddenData } from './hidden-data.ts';
import type { HiddenName } from './hidden-names.ts';

function hiddenBy(deny: string[], mask: Record<string, string> = {}, names: readonly HiddenName[] = []) {
  const rules = compileDataRules({ deny, mask }, 'p');
  if (rules === undefined) throw new Error('no rules');
  return createHiddenData(rules, names);
}

const found = (kind: HiddenName['kind'], schema: string, table: string, name = ''): HiddenName => ({
  kind,
  oid: 7,
  schema,
  table,
  name,
});

describe('a text', () => {
  const hidden = hiddenBy(['hr.salaries', 'vault.*', 'public.users.password_hash', '"Odd.Name"."T x"', '*.zz_*'], {}, [
    found('relation', 'vault', 'gold'),
    found('dependent', 'hr', 'pay_key'),
  ]);

  it.each([
    'select * from hr.salaries',
    'select * from salaries',
    'SELECT * FROM HR . "salaries"',
    'select * from hr/**/.salaries',
    `nextval('hr.salaries'::regclass)`,
    `'"' || hr.salaries || '"'`,
    '-- salaries',
    'shop.hr.salaries',
    'vault',
    'select * from gold',
    'select vault.f()',
    'drop index pay_key',
    'select password_hash from x',
    'select u.password_hash',
    'select * from "Odd.Name"."T x"',
    'select * from "T x"',
    'select * from zz_any',
    'select * from public.zz_any',
    String.raw`select * from U&"s\0061laries"`,
  ])('names what is hidden: %s', (text) => {
    expect(hidden.mentions(text)).toBe(true);
  });

  it.each([
    'select * from public.salaries',
    'select * from other.gold',
    'select * from salaries_of_all, hrx.t',
    'select "T", x from odd',
    'select 1',
    '',
  ])('names nothing of it: %s', (text) => {
    expect(hidden.mentions(text)).toBe(false);
  });

  it('that is cut off may end in the beginning of a name', () => {
    const long = `select ${'1, '.repeat(40)}`;
    expect(hidden.statement(`${long}1 from sal`, false)).toBe(true);
    expect(hidden.statement(`${long}1 from sal where x`, false)).toBe(false);
    expect(hidden.statement('select * from sal', false)).toBe(false);
  });

  it.each([
    ['select 1 from "T', true],
    ['select 1 from "T ', true],
    ['select 1 from "Customer', true],
    ['select 1 from "Customer P', true],
    ['select 1 from "customer ""P', true],
    ['select 1 from "Customer Q', false],
    ['select 1 from "aCustomer P', false],
    ['select 1 from "Customer P where x', false],
    ['select 1 from ".h', true],
    ['select 1 from x.h', true],
    ['select 1 from x.i', false],
  ])('that is cut off may end in the beginning of a name of several words: %s', (end, isHidden) => {
    const odd = hiddenBy([
      'public."Customer PII"',
      'public."Customer ""PII"""',
      '"Odd.Name"."T x"',
      'public.".hid den"',
    ]);
    expect(odd.statement(`${' '.repeat(100)}${end}`, false)).toBe(isHidden);
    expect(odd.statement(end, false)).toBe(false);
  });

  it('of another database is hidden where its names cannot be known', () => {
    expect(hidden.statement('select 1', true)).toBe(true);
    const exact = hiddenBy(['hr.salaries']);
    expect(exact.statement('select 1 from orders', true)).toBe(false);
    expect(exact.statement('drop index salaries_pkey', true)).toBe(true);
  });

  it('reveals values of a masked column where it names it', () => {
    const masked = hiddenBy([], { 'public.customers.email': 'hash' });
    expect(masked.reveals("check (email <> 'a@b')")).toBe(true);
    expect(masked.mentions('select email from customers')).toBe(false);
    expect(masked.reveals('check (name is not null)')).toBe(false);
  });
});

describe('a name', () => {
  it('is hidden by what the catalog knows beside the rules', () => {
    const hidden = hiddenBy(['hr.salaries', 'public.users.pin'], {}, [
      found('relation', 'public', 'salaries_2024'),
      found('column', 'public', 'old_users', 'pin'),
      found('object', 'public', 'orders', 'orders_pay_fkey'),
      found('bound', 'public', 'parts'),
    ]);
    expect(hidden.relation('public', 'salaries_2024')).toBe(true);
    expect(hidden.relation(null, 'salaries')).toBe(true);
    expect(hidden.relation(null, 'orders')).toBe(false);
    expect(hidden.relation('public', 'salaries')).toBe(false);
    const place = { schema: 'public', table: 'old_users' };
    expect(hidden.column(place, 'pin')).toBe(true);
    expect(hidden.column({ oid: 7 }, 'pin')).toBe(true);
    expect(hidden.column({ oid: 8 }, 'pin')).toBe(false);
    expect(hidden.column({ schema: 'public', table: 'users' }, 'pin')).toBe(true);
    expect(hidden.column({ schema: 'crm', table: 'users' }, 'pin')).toBe(false);
    expect(hidden.column(undefined, 'pin')).toBe(true);
    expect(hidden.object({ schema: 'public', table: 'orders' }, 'orders_pay_fkey')).toBe(true);
    expect(hidden.object({ schema: 'public', table: 'other' }, 'orders_pay_fkey')).toBe(false);
    expect(hidden.bound({ oid: 7 })).toBe(true);
    expect(hidden.bound({ oid: 9 })).toBe(false);
  });
});
