import { describe, expect, it } from 'vitest';
import { AuditEvent } from '../contract/audit-event.ts';
import { canonicalJson } from '../core/canonical-json.ts';
import { COLUMN_NAMES, writeColumn, type ColumnName } from './columns.ts';
import { cutText, redact, redactText } from './redact.ts';

/** Put together here, so that no scanner takes a fixture for a leaked credential. */
const SECRET = ['password', 'correct-horse'].join('=');

/** The plain way: redact the value, hold it against the contract, write it as canonical JSON. Undefined where it does not fit. */
function writePlainly(name: ColumnName, value: unknown): string | undefined {
  const redacted = typeof value === 'string' ? redactPlainly(name, value) : redact(value);
  const given = typeof value === 'number' || typeof value === 'boolean' ? value : redacted;
  if (typeof value === 'number' && !Number.isFinite(value)) return undefined;
  const checked = AuditEvent.shape[name].safeParse(given === null && name === 'principal_roles' ? [] : given);
  return checked.success ? canonicalJson(checked.data) : undefined;
}

/** What the store has an index of must fit in an entry of it. */
function redactPlainly(name: ColumnName, text: string): string {
  if (name === 'sql_text') return cutText(text, 65_536);
  const isIndexed = ['principal_subject', 'operation', 'server', 'call_id', 'outcome'].includes(name);
  return redactText(text, isIndexed ? 500 : 4096);
}

function write(name: ColumnName, value: unknown): string | undefined {
  try {
    return writeColumn(name, value);
  } catch {
    return undefined;
  }
}

const VALUES: readonly unknown[] = [
  null,
  undefined,
  '',
  'x',
  'monitor',
  'begun',
  'ended',
  'refused',
  'OK',
  'FORBIDDEN',
  'allow',
  'deny',
  'null',
  '0190a6a0-7d3c-7cc3-98c4-dc0c0c07398f',
  '0190a6a0-7d3c-7cc3-98c4',
  'deadbeef',
  '17',
  '-',
  'A0',
  '"',
  '\\',
  '\n',
  '2026-01-31T10:20:30.123Z',
  '2026-01-31T10:20:30Z',
  '2026-01-31',
  'é',
  '\u2028',
  '😀',
  '\ud800',
  '\0',
  SECRET,
  `postgres://app:${SECRET}@db/shop`,
  `x${'y'.repeat(300)}`,
  `${'z'.repeat(9000)} ${SECRET}`,
  'personas.bench.tools.allow[0] "*"',
  '127.0.0.1',
  '2026-07-28',
  'Bearer',
  'md5',
  'key',
  'token',
  0,
  1,
  -1,
  1.5,
  1e21,
  2 ** 53,
  Number.NaN,
  Infinity,
  true,
  false,
  [],
  ['analyst'],
  ['analyst', SECRET, '\ud800'],
  [1],
  [['x']],
  {},
  { limit: 50, server: 'shop' },
  { password: 'x', max_tokens: 7, token: 7, nested: { b: [SECRET], a: 'é"\\' } },
  { sqlstate: '42P01' },
];

describe('writeColumn', () => {
  it.each(COLUMN_NAMES)('writes %s as the plain way does, the first time and every other', (name) => {
    for (let round = 0; round < 3; round++) {
      expect(VALUES.map((value) => write(name, value))).toEqual(VALUES.map((value) => writePlainly(name, value)));
    }
  });

  it('writes the same of many texts as of few', () => {
    for (let i = 0; i < 5000; i++) expect(writeColumn('client_name', `client ${i}`)).toBe(`"client ${i}"`);
    expect(writeColumn('client_name', `client 0 ${SECRET}`)).toBe('"client 0 password=[redacted]"');
  });

  it('does not take a text that fits one column for one that fits another', () => {
    expect(writeColumn('persona', 'maybe')).toBe('"maybe"');
    expect(() => writeColumn('decision', 'maybe')).toThrow('does not fit');
    expect(writeColumn('decision', 'allow')).toBe('"allow"');
    expect(() => writeColumn('outcome', 'allow')).toThrow('does not fit');
  });
});
