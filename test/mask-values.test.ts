/** What each mask shows of each type, asked of real servers. */
import { createHmac } from 'node:crypto';
import type pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createMaskKeys } from '../src/calls/mask-key.ts';
import { MASKS, type MaskName } from '../src/contract/persona.ts';
import { MASK_KEY, maskExpression } from '../src/guard/mask-expression.ts';
import { describeEachMajor } from './postgres/each-major.ts';
import { useClone } from './postgres/clone.ts';
import { withSession } from './postgres/platform.ts';

const KEY = createMaskKeys(undefined)('analyst', 'shop');

/** A type, a value of it, and what the masks show; what is not said is null. */
const CASES: readonly [type: string, value: string, shown: Partial<Record<MaskName, string>>][] = [
  ['text', 'alice@example.com', { redact: '[redacted]', last4: '****.com', partial: 'a***@example.com' }],
  ['text', 'a@example.com', { redact: '[redacted]', last4: '****.com', partial: '***@example.com' }],
  ['text', 'x@y@example.com', { redact: '[redacted]', last4: '****.com', partial: 'x***' }],
  ['text', 'not an address@all', { redact: '[redacted]', last4: '****@all', partial: 'n***' }],
  ['text', 'secret', { redact: '[redacted]', last4: '****', partial: 's***' }],
  ['text', 'abc', { redact: '[redacted]', last4: '****', partial: '***' }],
  ['text', '', { redact: '[redacted]', last4: '****', partial: '***' }],
  ['text', 'Ünïcødé 🐘🐘🐘', { redact: '[redacted]', last4: '**** 🐘🐘🐘', partial: 'Ü***' }],
  ['varchar(40)', 'bob@example.org', { redact: '[redacted]', last4: '****.org', partial: 'b***@example.org' }],
  ['char(12)', 'carol', { redact: '[redacted]', last4: '****', partial: 'c***' }],
  ['name', 'the_name_of_it', { redact: '[redacted]', last4: '****f_it', partial: 't***' }],
  ['"char"', 'x', { redact: '[redacted]', last4: '****', partial: '***' }],
  ['text_of_ours', 'dave@example.net', { redact: '[redacted]', last4: '****.net', partial: 'd***@example.net' }],
  ['odd_text', 'dave@example.net', { redact: '[redacted]', last4: '****.net', partial: 'd***@example.net' }],
  ['bigint', '4111111111111111', { last4: '****1111' }],
  ['integer', '1234567', { last4: '****' }],
  ['smallint', '31', { last4: '****' }],
  ['numeric(20,2)', '123456789.25', { last4: '****9.25' }],
  ['uuid', '01980b5e-7a1c-7c3e-9d55-4f0f6f6f9a01', { last4: '****9a01' }],
  ['date', '1984-05-17', { year: '1984-01-01' }],
  ['date', '5874897-12-31', {}],
  ['date', '4714-11-24 BC', {}],
  ['date', 'infinity', {}],
  ['date_of_ours', '1984-05-17', { year: '1984-01-01' }],
  ['timestamp', '2024-02-29 12:34:56.789', { year: '2024-01-01 00:00:00' }],
  ['timestamp', 'infinity', { year: 'infinity' }],
  ['timestamp', '4714-11-24 00:00:00 BC', {}],
  ['timestamptz', '2024-02-29 12:34:56.789+00', { year: '2024-01-01 00:00:00+00' }],
  ['time', '12:34:56', {}],
  ['interval', '3 days', {}],
  ['boolean', 'true', {}],
  ['real', '1.5', {}],
  ['double precision', 'NaN', {}],
  ['money', '12.50', {}],
  ['bytea', String.raw`\x0001ff`, {}],
  ['json', '{"a": 1}', {}],
  ['jsonb', '{"a": 1}', {}],
  ['xml', '<a/>', {}],
  ['text[]', '{a,b}', {}],
  ['integer[]', '{1,2}', {}],
  ['mood', 'happy', {}],
  ['pair', '(1,secret)', {}],
  ['int4range', '[1,5)', {}],
  ['inet', '10.0.0.1', {}],
  ['point', '(1,2)', {}],
  ['tsvector', "'a' 'b'", {}],
  ['oid', '12345678', {}],
  ['bit(4)', '1010', {}],
];

const TYPES = `
  create domain text_of_ours as text check (value <> 'never');
  create domain odd_text as text_of_ours not null default 'x';
  create domain date_of_ours as date;
  create type mood as enum ('sad', 'happy');
  create type pair as (number integer, word text);`;

describeEachMajor('masks', (cluster) => {
  const clone = useClone(cluster);
  let session: pg.Client;
  let done: () => void;
  beforeAll(async () => {
    const opened = new Promise<void>((resolve, reject) => {
      withSession(clone().superuserUrl, async (client) => {
        session = client;
        await client.query(TYPES);
        await client.query(`set timezone = 'UTC'`);
        await client.query('select pg_catalog.set_config($1, $2, false)', [MASK_KEY, KEY]);
        resolve();
        await new Promise<void>((end) => (done = end));
      }).catch(reject);
    });
    await opened;
  });
  afterAll(() => done());

  /** What the mask gives for a value in a table, and of which type. */
  async function show(mask: MaskName, type: string, value: string | null) {
    const { rows: facts } = await session.query(
      `with recursive down (oid, base, category) as (
         select t.oid, t.typbasetype, t.typcategory from pg_type t where t.oid = $1::regtype
         union all select t.oid, t.typbasetype, t.typcategory from down d join pg_type t on t.oid = d.base)
       select $1::regtype::oid::int as type, oid::int, category from down where base = 0`,
      [type],
    );
    const { type: typeOid, oid, category } = facts[0] as { type: number; oid: number; category: string };
    const column = { name: 'The "Value"', number: 1, typeOid, baseType: { oid, category }, generatedFrom: [] };
    const expression = maskExpression(column, mask);
    const { rows } = await session.query(
      `select (m).shown::text, pg_typeof((m).shown)::text as type
         from (select ${expression} as shown from (select $1::text::${type} as "The ""Value""") t) m`,
      [value],
    );
    return rows[0] as { shown: string | null; type: string };
  }

  it.each(CASES)('of %s %s show what they say', async (type, value, expected) => {
    for (const mask of MASKS.filter((each) => each !== 'hash')) {
      const { shown } = await show(mask, type, value);
      expect({ mask, shown }).toEqual({ mask, shown: expected[mask] ?? null });
    }
  });

  it.each(CASES.filter(([type]) => type !== 'odd_text'))('of %s leave null as it is, instead of %s', async (type) => {
    for (const mask of MASKS) expect((await show(mask, type, null)).shown).toBeNull();
  });

  it.each([
    ['null', 'jsonb', 'jsonb'],
    ['redact', 'integer[]', 'integer[]'],
    ['redact', 'varchar(40)', 'text'],
    ['year', 'date', 'date'],
    ['year', 'timestamptz', 'timestamp with time zone'],
    ['hash', 'uuid', 'uuid'],
    ['hash', 'bytea', 'bytea'],
    ['hash', 'integer', 'text'],
    ['null', 'mood', 'mood'],
    ['null', 'pair', 'pair'],
  ] as const)('%s of %s is of the type %s', async (mask, type, shown) => {
    const value = CASES.find(([each]) => each === type)?.[1] ?? null;
    expect((await show(mask, type, value)).type).toBe(shown);
  });

  it('hash is the first half of HMAC-SHA-256 under the key', async () => {
    const secret = Buffer.alloc(64, 7);
    const pad = (byte: number) => Buffer.from(secret.map((each) => each ^ byte)).toString('hex');
    await session.query('select pg_catalog.set_config($1, $2, false)', [MASK_KEY, pad(0x36) + pad(0x5c)]);
    for (const value of ['', 'alice@example.com', 'ü🐘', 'x'.repeat(10_000)]) {
      const mac = createHmac('sha256', secret).update(value).digest('hex').slice(0, 32);
      expect((await show('hash', 'text', value)).shown).toBe(mac);
      expect((await show('hash', 'odd_text', value)).shown).toBe(mac);
      expect((await show('hash', 'varchar(20000)', value)).shown).toBe(mac);
    }
    await session.query('select pg_catalog.set_config($1, $2, false)', [MASK_KEY, KEY]);
  });

  it.each(CASES)('hash of %s %s shows a hash', async (type, value) => {
    const { shown } = await show('hash', type, value);
    expect(shown).toMatch(/^(\\x)?[0-9a-f-]{32,36}$/);
    expect(shown).not.toContain(value.toLowerCase().padEnd(8, '#'));
  });

  it('hash shows nothing without a whole key', async () => {
    for (const key of ['', KEY.slice(1)]) {
      await session.query('select pg_catalog.set_config($1, $2, false)', [MASK_KEY, key]);
      expect((await show('hash', 'text', 'alice@example.com')).shown).toBeNull();
    }
    await session.query('select pg_catalog.set_config($1, $2, false)', [MASK_KEY, KEY]);
  });

  it('are not led astray by functions, operators and types of the same names on the search path', async () => {
    await session.query(`
      create schema trap;
      create function trap.length(text) returns integer language sql as 'select 0';
      create function trap.right(text, integer) returns text language sql as 'select $1';
      create function trap.concat(text, text) returns text language sql as 'select $1 || $2';
      create operator trap.|| (leftarg = text, rightarg = text, function = trap.concat);
      create domain trap.text as pg_catalog.text;
      set search_path = trap, pg_catalog, public`);
    try {
      expect((await show('last4', 'pg_catalog.text', 'alice@example.com')).shown).toBe('****.com');
      expect((await show('partial', 'pg_catalog.text', 'alice@example.com')).shown).toBe('a***@example.com');
    } finally {
      await session.query('reset search_path');
    }
  });
});
