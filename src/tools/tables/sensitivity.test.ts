import { expect, it } from 'vitest';
import { findSensitive } from './sensitivity.ts';

const judge = (column: string, type = 'text', comment: string | null = null) =>
  findSensitive([{ column, type, comment }]).map(({ kind, mask }) => `${kind}: ${mask}`)[0];

it.each([
  ['email', 'text', 'e-mail address: hash'],
  ['contactEmail', 'character varying(200)', 'e-mail address: hash'],
  ['customer_phone', 'text', 'phone number: last4'],
  ['tel_mobil', 'public.citext', 'phone number: last4'],
  ['SSN', 'character(11)', 'national identifier: redact'],
  ['social_security_number', 'bigint', 'national identifier: redact'],
  ['iban', 'text', 'bank account: last4'],
  ['password_hash', 'text', 'password: redact'],
  ['pwd', 'bytea', 'password: redact'],
  ['refresh_token', 'uuid', 'secret or token: redact'],
  ['apiKey', 'text', 'secret or token: redact'],
  ['date_of_birth', 'date', 'birth date: year'],
  ['geburtsdatum', 'date', 'birth date: year'],
  ['fecha_nacimiento', 'timestamp without time zone', 'birth date: year'],
  ['住所', 'text', 'address: partial'],
  ['電話番号', 'text', 'phone number: last4'],
  ['дата_рождения', 'date', 'birth date: year'],
  ['card_number', 'text', 'payment card: last4'],
  ['client_ip', 'inet', 'network address: hash'],
  ['lat', 'double precision', 'location: redact'],
  ['salary', 'numeric(12,2)', 'income: redact'],
  ['first_name', 'text', 'person: partial'],
  ['straße', 'text', 'address: partial'],
  ['emails', 'text[]', 'e-mail address: hash'],
  ['work_email', 'crm.email', 'e-mail address: hash'],
])('takes %s of the type %s for %s', (column, type, expected) => {
  expect(judge(column, type)).toBe(expected);
});

it.each([
  ['email_verified', 'boolean'],
  ['password_changed_at', 'timestamp with time zone'],
  ['phone_id', 'bigint'],
  ['token_count', 'integer'],
  ['email_type', 'text'],
  ['name', 'text'],
  ['status', 'text'],
  ['company', 'text'],
  ['description', 'text'],
  ['panel', 'text'],
  ['total', 'numeric'],
  ['race_id', 'integer'],
  ['latency_ms', 'double precision'],
  ['born_in_version', 'integer'],
])('leaves %s of the type %s alone', (column, type) => {
  expect(judge(column, type)).toBeUndefined();
});

it('goes by a comment where the name says nothing', () => {
  expect(findSensitive([{ column: 'c7', type: 'text', comment: 'Telephone of the customer, with area code' }])).toEqual(
    [{ column: 'c7', kind: 'phone number', reason: 'its comment has "telephone"', mask: 'last4' }],
  );
  expect(judge('c8', 'text', 'a flat pan of metal')).toBeUndefined();
});
