/** Masks as a caller of `query` meets them, through everything that stands between. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createGuard } from '../../src/guard/create-guard.ts';
import { openStatementTexts } from '../../src/sqltext/statement-texts.ts';
import { answerOf, errorOf, makeReader, openCallersHowdah, type CallersHowdah } from '../callers-kit.ts';
import { DATA, fillWithSecrets, SECRETS } from '../mask-fixture.ts';
import { useClone } from '../postgres/clone.ts';
import { describeSomeMajors } from '../postgres/each-major.ts';

describeSomeMajors('query with masks', (cluster) => {
  const clone = useClone(cluster, 'fixture_ext');
  const texts = openStatementTexts({ textMs: 5000 });
  let howdah: CallersHowdah;
  let other: CallersHowdah;
  beforeAll(async () => {
    await fillWithSecrets(clone());
    const all = 'schema shop, early, hr, "Odd Schema"';
    const grants = [`grant usage on ${all}`, `grant select on all tables in ${all}`];
    const reader = await makeReader(clone().superuserUrl, ...grants);
    const open = (more: Readonly<Record<string, unknown>>) =>
      openCallersHowdah({
        url: clone().monitorUrl,
        logins: { reader },
        guard: createGuard(texts),
        persona: { data: DATA, ...more },
        server: { search_path: ['shop', 'early'] },
      });
    howdah = await open({});
    other = await open({ limits: { plan_cost: 0.1 } });
  });
  afterAll(() => Promise.all([howdah.close(), other.close(), texts.close()]));

  const ask = async (sql: string) => answerOf(await howdah.call('query', { sql }));
  const fail = async (sql: string) => errorOf(await howdah.call('query', { sql })).toJSON();

  it('shows masks, and the same hash for the same value every time', async () => {
    const sql = 'select id, email, phone, born, note from users where id in (1, 10) order by id';
    const first = await ask(sql);
    expect(first).toMatchObject({
      rows: [
        [1, '[redacted]', expect.stringMatching(/^[0-9a-f]{32}$/), null, '[redacted]'],
        [10, null, expect.stringMatching(/^[0-9a-f]{32}$/), null, '[redacted]'],
      ],
    });
    expect(await ask(sql)).toEqual(first);
    expect(await ask('select count(*) from users a join users b using (phone)')).toMatchObject({ rows: [['200']] });
  });

  it('leaves nothing of the key behind for the next statement', async () => {
    await ask('select phone from users limit 1');
    expect(await fail('show howdah.mask_key')).toMatchObject({ code: 'SQL_REJECTED' });
    expect(await ask(`select count(*) from pg_settings where name like 'howdah%'`)).toMatchObject({ rows: [['0']] });
  });

  it('answers failures without a word of PostgreSQL, and with the place in the text of the caller', async () => {
    expect(await fail('select email, pin from users')).toEqual({
      code: 'QUERY_FAILED',
      message: 'A column is not there, or is hidden from the persona.',
      hint: expect.stringContaining('describe_table'),
      details: { sqlstate: '42703', position: 15 },
    });
    expect(await fail('select pan from users')).toMatchObject({ details: { sqlstate: '42703' } });
    expect(await fail('select * from hr.salaries')).toMatchObject({ code: 'NOT_FOUND' });
    expect(await fail('select * from hr.holidays')).toMatchObject({ code: 'NOT_FOUND' });
  });

  it('runs no EXPLAIN, whose text would show conditions', async () => {
    const error = await fail('explain select * from users where email = $$x$$');
    expect(error).toMatchObject({ code: 'SQL_REJECTED', details: { rule: 'statement/explain' } });
  });

  it('refuses what costs too much with a plan that tells nothing', async () => {
    const error = errorOf(await other.call('query', { sql: `select * from users where email like 'top%'` })).toJSON();
    expect(error).toMatchObject({ code: 'SQL_REJECTED', details: { rule: 'cost/above-ceiling' } });
    expect(JSON.stringify(error).search(SECRETS)).toBe(-1);
    expect(JSON.stringify(error)).not.toContain('email');
  });
});
