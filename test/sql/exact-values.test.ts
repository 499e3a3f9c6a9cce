/** Values come as they are, and come back as the same. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { answerOf, makeReader, openCallersHowdah, type CallersHowdah } from '../callers-kit.ts';
import { useClone } from '../postgres/clone.ts';
import { describeEachMajor } from '../postgres/each-major.ts';
import { runAs } from '../postgres/platform.ts';

/** The type, the value as it is written, and as it is answered. */
const VALUES: readonly (readonly [type: string, literal: string, cell: unknown])[] = [
  ['smallint', '-32768', -32_768],
  ['integer', '2147483647', 2_147_483_647],
  ['bigint', '9223372036854775807', '9223372036854775807'],
  ['bigint', '-9223372036854775808', '-9223372036854775808'],
  ['numeric(40,20)', '12345678901234567890.12345678901234567890', '12345678901234567890.12345678901234567890'],
  ['numeric', 'NaN', 'NaN'],
  ['numeric', '1e-30', '0.000000000000000000000000000001'],
  ['real', '0.1', 0.1],
  ['double precision', '0.1', 0.1],
  ['double precision', '1.7976931348623157e308', 1.797_693_134_862_315_7e308],
  ['double precision', '5e-324', 5e-324],
  ['double precision', '-0', '-0'],
  ['double precision', 'Infinity', 'Infinity'],
  ['double precision', '-Infinity', '-Infinity'],
  ['double precision', 'NaN', 'NaN'],
  ['boolean', 'false', false],
  ['text', '', ''],
  ['text', String.raw`a\b "c" ’é 🐘`, String.raw`a\b "c" ’é 🐘`],
  ['text', 'NULL', 'NULL'],
  ['bytea', String.raw`\x00ff10`, String.raw`\x00ff10`],
  ['uuid', '6f9619ff-8b86-d011-b42d-00cf4fc964ff', '6f9619ff-8b86-d011-b42d-00cf4fc964ff'],
  ['date', '0044-03-15 BC', '0044-03-15 BC'],
  ['date', 'infinity', 'infinity'],
  ['timestamp without time zone', '2024-02-29 23:59:59.123456', '2024-02-29T23:59:59.123456'],
  ['timestamp with time zone', '2024-02-29 23:59:59.123456+02', '2024-02-29T21:59:59.123456Z'],
  ['timestamp with time zone', '-infinity', '-infinity'],
  ['time with time zone', '12:34:56.789012+05:30', '12:34:56.789012+05:30'],
  ['interval', '-1 year 2 mons 3 days -04:05:06.7', 'P-10M3DT-4H-5M-6.7S'],
  [
    'json',
    '{"n": 123456789012345678901234567890, "a": 1, "a": 2}',
    '{"n": 123456789012345678901234567890, "a": 1, "a": 2}',
  ],
  ['jsonb', '{"n": 123456789012345678901234567890.10}', '{"n": 123456789012345678901234567890.10}'],
  ['bigint[]', '{{1,9223372036854775807},{NULL,3}}', '{{1,9223372036854775807},{NULL,3}}'],
  ['text[]', '{"a,b","",NULL,"NULL"}', '{"a,b","",NULL,"NULL"}'],
  ['int8range', '[1,9223372036854775807)', '[1,9223372036854775807)'],
  ['tstzrange', '["2024-01-01 00:00:00+00",infinity)', '["2024-01-01 00:00:00+00",infinity)'],
  ['inet', '2001:db8::1/64', '2001:db8::1/64'],
  ['bit varying', '10101', '10101'],
  ['money', '92233720368547758.07', '$92,233,720,368,547,758.07'],
  ['exact.pair', '(9223372036854775807,"a ""quoted"" one")', '(9223372036854775807,"a ""quoted"" one")'],
  ['exact.mood', 'so, so', 'so, so'],
];

describeEachMajor('a value', (cluster) => {
  const clone = useClone(cluster);
  let howdah: CallersHowdah;
  beforeAll(async () => {
    await runAs(
      clone().superuserUrl,
      'create schema exact',
      'create type exact.pair as (n bigint, t text)',
      "create type exact.mood as enum ('so, so', 'good')",
    );
    const reader = await makeReader(clone().superuserUrl, 'grant usage on schema exact');
    howdah = await openCallersHowdah({ url: clone().monitorUrl, logins: { reader } });
  });
  afterAll(() => howdah.close());
  const ask = async (sql: string, parameters: readonly unknown[] = []) =>
    answerOf(await howdah.call('query', { sql, parameters }));

  it.each(VALUES)('of the type %s is exact: %s', async (type, literal, cell) => {
    const answer = await ask(`select $1::${type} as v, '${literal.replaceAll("'", "''")}'::${type} as w`, [literal]);
    expect(answer).toMatchObject({
      columns: [
        { name: 'v', type },
        { name: 'w', type },
      ],
      rows: [[cell, cell]],
    });
    // and means the same when it comes back
    const again = `select $1::${type}::text is not distinct from $2::${type}::text`;
    expect(await ask(again, [literal, String(cell)])).toMatchObject({ rows: [[true]] });
  });

  it('is told from null, in lists and in CSV', async () => {
    expect(await ask("select null::text, '', 'null'")).toMatchObject({ rows: [[null, '', 'null']] });
  });
});
