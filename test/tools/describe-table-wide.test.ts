/** Tables of very many columns, and columns that hold what not everybody should see. */
import { beforeAll, expect, it } from 'vitest';
import { PersonaSpec } from '../../src/contract/persona.ts';
import { useClone } from '../postgres/clone.ts';
import { describeSomeMajors } from '../postgres/each-major.ts';
import { LOGINS, openHowdah, runAs, useHowdah } from '../postgres/platform.ts';

const COLUMNS = Array.from({ length: 1600 }, (_, i) => `column_${i + 1} boolean`).join(', ');

const PEOPLE = [
  'create schema wide',
  `create table wide.most (${COLUMNS})`,
  `create table wide.people (
     id integer primary key, "eMail" text, geburtsdatum date, phone_id integer, iban text, note text, password_hash bytea,
     email_verified boolean, c7 text)`,
  `comment on column wide.people.c7 is 'Mobile number of the person'`,
  `create view wide.mails as select "eMail", note from wide.people`,
];

describeSomeMajors('describe_table of wide tables', (cluster) => {
  const clone = useClone(cluster);
  const howdah = useHowdah(clone);
  beforeAll(() => runAs(clone().superuserUrl, ...PEOPLE));

  it.each(LOGINS)('shows the first columns of 1,600, says so, and has the others by name, for %s', async (login) => {
    const answer = await howdah(login).call('describe_table', { table: 'wide.most' });
    expect(answer['columns']).toHaveLength(200);
    expect(answer['total_columns']).toBe(1600);
    expect(answer.not_examined).toContainEqual({
      what: '1400 more columns',
      reason: 'The list ends at 200 of 1600.',
      remedy: 'Ask with `column` for those of a name, or with a higher `max_columns`.',
    });
    expect(JSON.stringify(answer).length).toBeLessThan(60_000);
    const some = await howdah(login).call('describe_table', { table: 'wide.most', column: 'column_159?' });
    expect((some['columns'] as { column: string }[]).map(({ column }) => column)).toEqual(
      Array.from({ length: 10 }, (_, i) => `column_${1590 + i}`),
    );
    expect(some).not.toHaveProperty('not_examined');
    const all = await howdah(login).call('describe_table', { table: 'wide.most', max_columns: 1600 });
    expect(all['columns']).toHaveLength(1600);
  });

  it('says which columns look sensitive, why, and what mask would suit them', async () => {
    const answer = await howdah('plain').call('describe_table', { table: 'wide.people' });
    expect(answer['sensitive']).toEqual([
      { column: 'eMail', kind: 'e-mail address', reason: 'its name has "e mail"', mask: 'hash' },
      { column: 'geburtsdatum', kind: 'birth date', reason: 'its name has "geburtsdatum"', mask: 'year' },
      { column: 'iban', kind: 'bank account', reason: 'its name has "iban"', mask: 'last4' },
      { column: 'password_hash', kind: 'password', reason: 'its name has "password"', mask: 'redact' },
      { column: 'c7', kind: 'phone number', reason: 'its comment has "mobile"', mask: 'last4' },
    ]);
    const view = await howdah('plain').call('describe_table', { table: 'wide.mails' });
    expect(view['sensitive']).toMatchObject([{ column: 'eMail' }]);
    expect((await howdah('plain').call('describe_table', { table: 'shop.Order' }))['sensitive']).toEqual([]);
  });

  it('guesses and counts nothing of columns that are hidden, or by comments that are', async () => {
    const ruled = PersonaSpec.parse({
      tools: { allow: ['*'] },
      data: { deny: ['wide.people.iban', 'wide.most.column_1*'], mask: { 'wide.people.c7': 'last4' } },
    });
    const narrow = await openHowdah(clone().monitorUrl, 'ruled', (config) => ({ ...config, personas: { ruled } }));
    const people = await narrow.call('describe_table', { table: 'wide.people' });
    expect((people['sensitive'] as { column: string }[]).map(({ column }) => column)).toEqual([
      'eMail',
      'geburtsdatum',
      'password_hash',
    ]);
    expect(people['total_columns']).toBe(8);
    const most = await narrow.call('describe_table', { table: 'wide.most' });
    expect(most['total_columns']).toBe(888);
    expect(JSON.stringify(most)).not.toMatch(/column_1/);
    await narrow.close();
  });
});
