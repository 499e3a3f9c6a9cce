import { beforeAll, expect, it } from 'vitest';
import { PersonaSpec } from '../../src/contract/persona.ts';
import { useClone } from '../postgres/clone.ts';
import { describeEachMajor, describeSomeMajors } from '../postgres/each-major.ts';
import { loginsOf, openHowdah, runAs, useHowdah, withSession, type Answer, type Howdah } from '../postgres/platform.ts';

const SHOP = [
  'create schema crm_de',
  'create table crm_de.kunden (id integer primary key, "Straße" text, geburtsdatum date, mobil text)',
  `comment on table crm_de.kunden is 'Personen, die etwas bestellt haben'`,
  `comment on column crm_de.kunden.mobil is 'Handy, mit Vorwahl'`,
  'create schema ventes',
  'create table ventes."CommandesÉté" (id integer primary key, "montantTotal" numeric, client_id integer)',
  'create schema jp',
  'create table jp."顧客名簿" (id integer primary key, "住所" text, "電話番号" text)',
  `comment on table jp."顧客名簿" is '会員の一覧'`,
  'create table crm_de.invoice_items (id integer primary key, qty integer, "unitPrice" numeric)',
  'create table crm_de.categories (id integer primary key, label text)',
  `create type crm_de.payment_method as enum ('credit_card', 'bank_transfer', 'cash')`,
  `create function crm_de.vat_of(net numeric, rate numeric) returns numeric language sql as 'select $1 * $2'`,
  `comment on function crm_de.vat_of(numeric, numeric) is 'value added tax'`,
  'create view crm_de.late_invoices as select id from crm_de.invoice_items',
  'create table crm_de.readings (at date, celsius integer) partition by range (at)',
  `create table crm_de.readings_2031 partition of crm_de.readings for values from ('2031-01-01') to ('2032-01-01')`,
  `create table crm_de.readings_2032 partition of crm_de.readings for values from ('2032-01-01') to ('2033-01-01')`,
  `insert into crm_de.readings select '2031-01-01', g from generate_series(1, 300) g`,
  'analyze crm_de.readings_2031',
  'analyze crm_de.readings_2032',
];

function names(answer: Answer): string[] {
  return answer.rows.map(({ schema, name }) => `${schema}.${name}`);
}

describeEachMajor('search_schema', (cluster) => {
  const clone = useClone(cluster);
  const howdah = useHowdah(clone);
  const search = (query: string, more: Record<string, unknown> = {}) =>
    howdah('plain').call('search_schema', { query, ...more });

  beforeAll(() => runAs(clone().superuserUrl, ...SHOP));

  it.each(loginsOf(cluster))('says what matched and why, how large it is and what it is for, to %s', async (login) => {
    const answer = await howdah(login).call('search_schema', { query: 'people who have an account' });
    expect(answer.rows[0]).toMatchObject({
      kind: 'table',
      schema: 'shop',
      name: 'customers',
      rows: 1000,
      comment: 'People who have an account',
      why: ['comment: people', 'comment: account'],
    });
    expect(Number(answer.rows[0]?.['size'])).toBeGreaterThan(100_000);
    expect(answer).toMatchObject({ truncated: false, next_cursor: null, findings: [] });
    const order = await howdah(login).call('search_schema', { query: 'gross' });
    expect(order.rows[0]).toMatchObject({ name: 'Order', columns: ['gross numeric(12,2)'], why: ['column: gross'] });
  });

  it.each([
    ['a form of the word', 'category', 'crm_de.categories'],
    ['parts of a name in humps', 'unit price', 'crm_de.invoice_items'],
    ['a name without its signs', 'invoiceitems', 'crm_de.invoice_items'],
    ['a misspelt name', 'custommers', 'shop.customers'],
    ['an abbreviation', 'quantity of invoice items', 'crm_de.invoice_items'],
    ['German by English', 'date of birth', 'crm_de.kunden'],
    ['German without its letters', 'strasse', 'crm_de.kunden'],
    ['a comment on a column', 'Vorwahl', 'crm_de.kunden'],
    ['French without accents', 'commandes ete', 'ventes.CommandesÉté'],
    ['capital letters and accents', 'COMMANDESÉTÉ', 'ventes.CommandesÉté'],
    ['part of a Japanese name', '名簿', 'jp.顧客名簿'],
    ['a Japanese column', '住所', 'jp.顧客名簿'],
    ['Japanese by English', 'phone', 'jp.顧客名簿'],
    ['a Japanese comment', '会員', 'jp.顧客名簿'],
    ['a label of an enum', 'bank transfer', 'crm_de.payment_method'],
    ['a comment on a function', 'value added tax', 'crm_de.vat_of'],
    ['a view', 'late invoices', 'crm_de.late_invoices'],
    ['a quoted name with a dot in its schema', 'mixed case', 'we.ird.Mixed Case'],
    ['a question', 'where are the invoice items stored?', 'crm_de.invoice_items'],
  ])('finds %s', async (_, query, expected) => {
    const scope = query === 'phone' ? { schema: 'jp' } : {};
    expect(names(await search(query, scope))[0]).toBe(expected);
  });

  it('describes functions and enums, and leaves out kinds that are not asked for', async () => {
    const [method] = (await search('payment method', { kinds: ['enum'] })).rows;
    expect(method).toMatchObject({ kind: 'enum', detail: 'credit_card, bank_transfer, cash', rows: null, size: null });
    const [vat] = (await search('vat', { kinds: ['function'] })).rows;
    expect(vat).toMatchObject({ kind: 'function', detail: '(net numeric, rate numeric) returns numeric' });
    const relations = await search('payment', { kinds: ['table', 'view'], schema: 'crm_de' });
    expect(relations.rows.map(({ kind }) => kind)).not.toContain('enum');
  });

  it('folds partitions into their table, which is found by their names too', async () => {
    const answer = await search('readings');
    expect(names(answer)).toEqual(['crm_de.readings']);
    expect(answer.rows[0]).toMatchObject({ kind: 'partitioned_table', rows: cluster.major < 14 ? null : 300 });
    expect((await search('readings_2031')).rows[0]).toMatchObject({
      name: 'readings',
      why: ['name: readings', 'partition: 2031'],
    });
  });

  it('gives an overview where nothing is asked for: what is large and what others refer to', async () => {
    const answer = await search('', { limit: 5 });
    expect(names(answer)).toContain('shop.customers');
    const schemas = answer['schemas'] as { schema: string; tables: number }[];
    expect(schemas.find(({ schema }) => schema === 'shop')).toEqual({
      schema: 'shop',
      tables: 3,
      views: 2,
      functions: 4,
      enums: 1,
    });
    expect(answer.total).toBeGreaterThan(30);
    const one = await search('', { schema: 'jp' });
    expect(one).toMatchObject({ total: 1, schemas: [{ schema: 'jp', tables: 1, views: 0, functions: 0, enums: 0 }] });
  });

  it('goes on where the page before ended, and gives each hit once', async () => {
    const all = await search('', { limit: 100 });
    const seen: string[] = [];
    let cursor: unknown;
    for (let page = 0; page < 100 && cursor !== null; page++) {
      const answer = await search('', { limit: 7, ...(cursor !== undefined && { cursor }) });
      seen.push(...names(answer));
      cursor = answer['next_cursor'];
      expect(answer.total).toBe(all.total);
    }
    expect(seen).toHaveLength(all.total);
    expect(new Set(seen).size).toBe(all.total);
    expect(seen.slice(0, all.rows.length)).toEqual(names(all));
  });

  it('takes no cursor of another question, and none that is made up', async () => {
    const { next_cursor: cursor } = await search('', { limit: 1 });
    for (const input of [
      { query: 'id', cursor },
      { query: '', cursor: 'AAAA' },
      { query: '', cursor: 'W10' },
    ]) {
      const outcome = await howdah('plain').attempt('search_schema', input);
      expect(outcome).toMatchObject({ ok: false, error: { code: 'INVALID_INPUT' } });
    }
  });

  it('waits for no lock', async () => {
    await withSession(clone().superuserUrl, async (session) => {
      await session.query('begin');
      await session.query('lock table shop.customers, crm_de.readings, crm_de.late_invoices in access exclusive mode');
      const startedAt = performance.now();
      const fresh = await openHowdah(clone().plainUrl);
      expect(names(await fresh.call('search_schema', { query: 'customers' }))[0]).toBe('shop.customers');
      await fresh.close();
      expect(performance.now() - startedAt).toBeLessThan(2500);
    });
  });

  it('bears what nobody would ask', async () => {
    for (const query of [
      '%_%',
      "'; drop table x; --",
      '\u202e\u0000'.replace('\u0000', ''),
      '   ',
      '🦛🦛',
      'a'.repeat(300),
      '((((',
      '的',
      'x '.repeat(150),
    ]) {
      const outcome = await howdah('plain').attempt('search_schema', { query });
      expect({ query, ok: outcome.ok }).toEqual({ query, ok: true });
    }
  });
});

/** Of every kind that can be found, something in a name or a comment. */
const HIDDEN = [
  'create schema sekrit',
  'create table sekrit.wages (id integer primary key, amount numeric)',
  `create type sekrit.grade as enum ('sekrit_low')`,
  'create schema seen',
  `create table seen.payroll (id integer primary key, kiwi_note text, iban text, paid_by integer references sekrit.wages)`,
  `comment on table seen.payroll is 'what sekrit.wages comes to'`,
  `comment on column seen.payroll.iban is 'like kiwi_value'`,
  'create table seen.kiwi_table (id integer primary key)',
  `create table seen.plain (id integer primary key, mood text)`,
  `create type seen.kind as enum ('visible_label', 'kiwi_table')`,
  `create type seen.iban_kind as enum ('alpha', 'beta')`,
  'alter table seen.payroll add kind seen.iban_kind',
  `create function seen.total(sekrit.wages) returns integer language sql as 'select 1'`,
  `create function sekrit.kiwi_function() returns integer language sql as 'select 1'`,
  'create table seen.big (id integer) partition by range (id)',
  'create table sekrit.big_kiwi partition of seen.big for values from (0) to (10)',
  `create view seen.over as select amount from sekrit.wages`,
];
const RULES = {
  deny: ['sekrit.*', 'seen.kiwi_table', 'seen.payroll.kiwi_note'],
  mask: { 'seen.payroll.iban': 'last4', 'seen.payroll.kind': 'redact' },
};

describeSomeMajors('search_schema with data rules', (cluster) => {
  const clone = useClone(cluster);
  let ruled: Howdah;
  let unruled: Howdah;
  beforeAll(async () => {
    await runAs(clone().superuserUrl, ...HIDDEN);
    const persona = PersonaSpec.parse({ tools: { allow: ['*'] }, data: RULES, limits: { calls_per_minute: 10_000 } });
    ruled = await openHowdah(clone().monitorUrl, 'ruled', (config) => ({ ...config, personas: { ruled: persona } }));
    unruled = await openHowdah(clone().monitorUrl);
    return async () => {
      await ruled.close();
      await unruled.close();
    };
  });

  const QUERIES = [
    '',
    'sekrit',
    'kiwi',
    'wages',
    'payroll',
    'kind',
    'grade',
    'big kiwi',
    'kiwi value',
    'total',
    'iban',
    'note',
    'alpha',
    'over',
  ];

  it('shows nothing hidden by any word, and would without the rules', async () => {
    const told = { ruled: '', unruled: '' };
    for (const query of QUERIES) {
      for (const schema of [undefined, 'seen', 'sekrit']) {
        const input = { query, ...(schema !== undefined && { schema }), limit: 100 };
        told.ruled += JSON.stringify((await ruled.call('search_schema', input)).rows);
        told.unruled += JSON.stringify((await unruled.call('search_schema', input)).rows);
      }
    }
    expect(told.ruled.match(/sekrit|kiwi|wages|alpha/gi) ?? []).toEqual([]);
    for (const word of ['sekrit', 'kiwi', 'alpha']) expect(told.unruled).toContain(word);
    for (const name of ['payroll', 'plain', 'visible_label', 'over']) expect(told.ruled).toContain(name);
  });

  it.each(['sekrit', 'kiwi_function', 'kiwi', 'grade', 'big_kiwi', 'alpha', 'low'])(
    'answers %s as what is not there',
    async (query) => {
      const absent = await ruled.call('search_schema', { query: 'qqqq', schema: 'seen' });
      const hidden = await ruled.call('search_schema', { query, schema: 'seen' });
      expect(hidden).toEqual(
        query === 'big_kiwi' ? await ruled.call('search_schema', { query: 'big_qqqq', schema: 'seen' }) : absent,
      );
    },
  );

  it('counts nothing hidden', async () => {
    const seen = await ruled.call('search_schema', { schema: 'seen' });
    expect(seen['schemas']).toEqual([{ schema: 'seen', tables: 3, views: 1, functions: 1, enums: 2 }]);
    expect(seen.total).toBe(4);
    const all = await ruled.call('search_schema', { limit: 100 });
    expect((all['schemas'] as { schema: string }[]).map(({ schema }) => schema)).not.toContain('sekrit');
    expect(await ruled.call('search_schema', { schema: 'sekrit' })).toMatchObject({ rows: [], total: 0, schemas: [] });
  });

  it('matches no comment, label or partition that is hidden', async () => {
    const rows = (await ruled.call('search_schema', { query: 'payroll' })).rows;
    expect(rows[0]).toMatchObject({ name: 'payroll', comment: null, why: ['name: payroll'] });
    const [iban] = (await ruled.call('search_schema', { query: 'iban', kinds: ['table'] })).rows;
    expect(iban).toMatchObject({ columns: ['iban text'] });
    const [kind] = (await ruled.call('search_schema', { query: 'iban kind', kinds: ['enum'] })).rows;
    expect(kind).toMatchObject({ name: 'iban_kind', detail: '' });
    expect((await ruled.call('search_schema', { query: 'what it comes to' })).rows).toEqual([]);
  });

  it('hides a table from the moment that it becomes hidden, though the catalogue is kept', async () => {
    await runAs(clone().superuserUrl, 'create table seen.moving (id integer)');
    const fresh = await openHowdah(clone().monitorUrl, 'ruled', (config) => ({
      ...config,
      personas: { ruled: PersonaSpec.parse({ tools: { allow: ['*'] }, data: RULES }) },
    }));
    expect((await fresh.call('search_schema', { query: 'moving' })).rows).toHaveLength(1);
    await runAs(clone().superuserUrl, 'alter table seen.moving set schema sekrit');
    expect((await fresh.call('search_schema', { query: 'moving' })).rows).toEqual([]);
    await fresh.close();
  });
});
