import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { Secret } from '../core/secret.ts';
import { cutText, redact } from './redact.ts';

/** Put together here, so that no scanner takes a fixture for a leaked credential. */
const WORD = ['correct', 'horse'].join('-');
const LONG = 'aB3'.repeat(14);

const bytesOf = (value: unknown) => Buffer.byteLength(JSON.stringify(value));

describe('redact by the name of a key', () => {
  it.each([
    'password',
    'PASSWORD',
    'sslPassword',
    'new-password',
    'passwd',
    'pwd',
    'PGPASSWORD',
    'pass',
    'client_secret',
    'clientSecret',
    'token',
    'accessToken',
    'api_key',
    'apikey',
    'X-API-Key',
    'Authorization',
    'credentials',
    'private key',
    'passphrase',
    'primary_conninfo',
    'dsn',
    'connection_string',
    'connectionString',
    'Set-Cookie',
  ])('hides the value of %s', (key) => {
    expect(redact({ outer: [{ [key]: WORD }] })).toEqual({ outer: [{ [key]: '[redacted]' }] });
    expect(redact({ [key]: { nested: 12345 } })).toEqual({ [key]: '[redacted]' });
  });

  it.each(['schema', 'table', 'author', 'passenger', 'compass', 'tokens_per_row_limit'])(
    'keeps the number of %s',
    (key) => {
      expect(redact({ [key]: key.startsWith('tokens') ? null : 7 })).toEqual({
        [key]: key.startsWith('tokens') ? null : 7,
      });
    },
  );

  it('keeps a count of tokens', () => {
    expect(redact({ output_tokens: 4000, max_tokens: 'x' })).toEqual({ output_tokens: 4000, max_tokens: '[redacted]' });
  });
});

describe('redact by what a text looks like', () => {
  it.each([
    ['a URI', `see postgres://app:${WORD}@db.example/shop`, 'see postgres://app:[redacted]@db.example/shop'],
    ['a URI without a user', `redis://:${WORD}@cache`, 'redis://:[redacted]@cache'],
    [
      'a URI with an unescaped @ and / in the password',
      `postgres://u:a@b/${WORD}@h/db`,
      'postgres://u:[redacted]@h/db',
    ],
    ['a keyword string', `host=db password=${WORD} dbname=shop`, 'host=db password=[redacted] dbname=shop'],
    [
      'a quoted keyword value',
      `host=db password='a \\' ${WORD}' dbname=shop`,
      'host=db password=[redacted] dbname=shop',
    ],
    ['an unfinished quotation', `password='a ${WORD}`, 'password=[redacted]'],
    ['an environment line', `PGPASSWORD=${WORD}`, 'PGPASSWORD=[redacted]'],
    ['a query string', `https://h/?a=1&access_token=${WORD}`, 'https://h/?a=1&access_token=[redacted]'],
    ['JSON inside a text', `{"client_secret": "a\\"${WORD}","b":1}`, '{"client_secret": [redacted],"b":1}'],
    ['JSON escaped once more', `{\\"password\\":\\"${WORD}\\",\\"b\\":1}`, '{\\"password\\":[redacted],\\"b\\":1}'],
    ['a header', `Authorization: Basic ${WORD}`, 'Authorization: [redacted]'],
    ['a bearer', `curl -H 'x: Bearer ${LONG}'`, "curl -H 'x: Bearer [redacted]'"],
    [
      'ALTER ROLE',
      `alter role a password '${WORD}' valid until 'x'`,
      "alter role a password [redacted] valid until 'x'",
    ],
    ['ALTER ROLE with dollar quotes', `ALTER ROLE a PASSWORD $q$${WORD}$q$;`, 'ALTER ROLE a PASSWORD [redacted];'],
    ['a JSON web token', `x eyJhbGciOi.eyJzdWIiOi.${LONG} y`, 'x [redacted] y'],
    ['a PEM block', `-----BEGIN PRIVATE KEY-----\n${LONG}\n-----END PRIVATE KEY----- after`, '[redacted] after'],
    ['an unfinished PEM block', `-----BEGIN RSA PRIVATE KEY-----\n${LONG}`, '[redacted]'],
    ['a key of Howdah', `use hdh_${LONG.slice(0, 12)}_${LONG}1_abc123 now`, 'use [redacted] now'],
    ['a GitHub token', `ghp_${LONG}`, '[redacted]'],
    ['an API key', `sk-proj-${LONG}`, '[redacted]'],
    ['an AWS key id', `id AKIA${'ABCD1234'.repeat(2)}.`, 'id [redacted].'],
    ['a SCRAM verifier', `SCRAM-SHA-256$4096:${LONG}$${LONG}=:${LONG}=`, '[redacted]'],
    ['an md5 verifier', `md5${'0a'.repeat(16)}`, '[redacted]'],
  ])('hides the secret of %s', (_, text, redacted) => {
    expect(redact(text)).toBe(redacted);
    expect(Object.keys(redact({ [`in ${text}`]: 1 }) as object)).toEqual([`in ${redacted}`]);
  });

  it.each([
    'select id, token, password from accounts where secret is null',
    'https://example.com:8080/path?x=1#y',
    'sk_customer_dimension_surrogate_key',
    'a1b2c3d4e5f60718293a4b5c6d7e8f90',
    '0199f2d0-0000-7000-8000-000000000001',
  ])('leaves %s as it is', (text) => {
    expect(redact(text)).toBe(text);
  });

  it('hides a secret that stands where a long text is cut', () => {
    const kept = redact(`${' '.repeat(3990)}postgres://u:${WORD.repeat(10)}@h`) as string;
    expect(kept).not.toContain('horse');
  });
});

describe('redact within bounds', () => {
  it('cuts a long text and says its length and SHA-256', () => {
    const text = 'é'.repeat(5000);
    const kept = redact(text) as string;
    expect(kept).toHaveLength(4096);
    const sha256 = createHash('sha256').update(text).digest('hex');
    expect(kept.endsWith(`é … [5000 characters, SHA-256 ${sha256}]`)).toBe(true);
    expect(redact('x'.repeat(4096))).toBe('x'.repeat(4096));
    expect(redact(kept)).toBe(kept);
  });

  it('never leaves half of a surrogate pair', () => {
    expect(redact(['a\ud800', { '\udc00': 1 }])).toEqual(['a\ufffd', { '\ufffd': 1 }]);
    for (const pad of ['', 'x']) {
      expect(redact(pad + '😀'.repeat(4000))).not.toMatch(/\p{Surrogate}/u);
      expect(cutText(pad + '😀'.repeat(4000), 500)).not.toMatch(/\p{Surrogate}/u);
      expect(redact({ [pad + '😀'.repeat(400)]: 1 })).not.toHaveProperty([`${pad}${'😀'.repeat(127)}\ud83d`]);
    }
  });

  it('keeps 100 entries of an array and counts the rest', () => {
    const kept = redact(Array.from({ length: 250 }, (_, i) => i)) as unknown[];
    expect(kept).toHaveLength(100);
    expect(kept.at(-2)).toBe(98);
    expect(kept.at(-1)).toBe('[151 more]');
    expect(redact(kept)).toEqual(kept);
    expect(redact(Array.from({ length: 100 }, (_, i) => i))).toHaveLength(100);
  });

  it('stops at 16 levels', () => {
    let deep: unknown = 'bottom';
    for (let i = 0; i < 100_000; i++) deep = { a: deep };
    expect(JSON.stringify(redact(deep))).toBe(`${'{"a":'.repeat(16)}"[deeper than 16 levels]"${'}'.repeat(16)}`);
  });

  const branch = (levels: number): unknown => (levels === 0 ? [] : Array.from({ length: 90 }, () => branch(0)));
  const shared = (levels: number, below: unknown): unknown =>
    levels === 0
      ? below
      : shared(
          levels - 1,
          Array.from({ length: 90 }, () => below),
        );

  it.each<[string, unknown]>([
    ['many keys', Object.fromEntries(Array.from({ length: 50_000 }, (_, i) => [`key${i}`, i]))],
    ['secret keys', Object.fromEntries(Array.from({ length: 50_000 }, (_, i) => [`pw ${i}`, i]))],
    ['long keys', Object.fromEntries(Array.from({ length: 2000 }, (_, i) => [`${i}${'\u0001'.repeat(300)}`, 1]))],
    ['escaped characters', Array.from({ length: 90 }, () => '\u0000'.repeat(4000))],
    ['wide characters', Array.from({ length: 90 }, () => '語'.repeat(4000))],
    ['empty arrays', Array.from({ length: 90 }, () => branch(1))],
    ['a shared array in itself, 90 to the 14th power', shared(14, 'x')],
    ['90 arrays at the deepest level', shared(18, [])],
    ['functions', shared(4, () => 1)],
  ])('holds %s within 64 KiB', (_, input) => {
    expect(bytesOf(redact(input))).toBeLessThanOrEqual(65_536);
  });

  it('says how many keys were left out', () => {
    const input = Object.fromEntries(Array.from({ length: 50_000 }, (_, i) => [`key${i}`, i]));
    const kept = redact(input) as Record<string, unknown>;
    expect(kept['…']).toBe(`[${50_000 - Object.keys(kept).length + 1} more]`);
  });

  it.each([
    ['keywords', 'password'.repeat(1000)],
    ['unfinished quotations', `password='`.repeat(800)],
    ['backslashes', `token='${'\\'.repeat(8000)}`],
    ['schemes', 'a://b:'.repeat(1300)],
    ['schemes without a password', 'a://'.repeat(2000)],
    ['words that could be schemes', 'a.'.repeat(4000)],
    ['token beginnings', 'eyJ-'.repeat(2000)],
    ['PEM beginnings', '-----BEGIN A-----'.repeat(480)],
    ['blanks', `password${' '.repeat(8000)}`],
    ['dollars', `password $${'$a'.repeat(4000)}`],
  ])('takes linear time for %s', (_, text) => {
    const started = performance.now();
    for (let i = 0; i < 10; i++) redact(text);
    expect(performance.now() - started).toBeLessThan(5000);
  });
});

it('hides what a key names that is too long to be searched, and does not search it', () => {
  const started = performance.now();
  for (let i = 0; i < 10; i++)
    expect(Object.values(redact({ ['aA'.repeat(500_000)]: 'x' }) as object)).toEqual(['[redacted]']);
  expect(performance.now() - started).toBeLessThan(5000);
});

describe('redact whatever it is given', () => {
  it('keeps JSON values and turns the rest into what JSON has', () => {
    const input = {
      when: new Date(0),
      secret: undefined,
      held: new Secret(WORD),
      bytes: Buffer.from(WORD),
      big: 12345678901234567890n,
      nan: Number.NaN,
      gap: [undefined, 1],
      call: () => WORD,
      bare: Object.assign(Object.create(null) as object, { a: null }),
    };
    expect(redact(input)).toEqual({
      when: '1970-01-01T00:00:00.000Z',
      held: '[redacted]',
      bytes: `[${WORD.length} bytes]`,
      big: '12345678901234567890',
      nan: 'NaN',
      gap: [null, 1],
      call: '[function]',
      bare: { a: null },
    });
  });

  it('is not fooled by cycles, nor by siblings that only look like one', () => {
    const cycle: Record<string, unknown> = { a: 1 };
    cycle['self'] = cycle;
    expect(redact(cycle)).toEqual({ a: 1, self: '[circular]' });
    const twin = { b: 1 };
    expect(redact([twin, twin])).toEqual([twin, twin]);
  });

  it('never throws', () => {
    const hostile = {
      get a(): never {
        throw new Error(WORD);
      },
    };
    const revoked = Proxy.revocable({}, {});
    revoked.revoke();
    for (const input of [hostile, { b: revoked.proxy }, [hostile]]) expect(redact(input)).toBe('[unreadable]');
  });

  it('treats __proto__ as a key and changes neither its input nor any prototype', () => {
    const input: unknown = JSON.parse(`{"__proto__": {"polluted": true}, "password": "${WORD}"}`);
    const before = JSON.stringify(input);
    const kept = redact(Object.freeze(input));
    expect(JSON.stringify(kept)).toBe('{"__proto__":{"polluted":true},"password":"[redacted]"}');
    expect(JSON.stringify(input)).toBe(before);
    expect('polluted' in {}).toBe(false);
    expect(Object.getPrototypeOf(kept)).toBe(Object.prototype);
  });
});
