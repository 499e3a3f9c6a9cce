import { afterAll, beforeAll, expect, it } from 'vitest';
import { answerOf, makeReader, openCallersHowdah, type CallersHowdah } from '../callers-kit.ts';
import { useClone } from '../postgres/clone.ts';
import { describeSomeMajors } from '../postgres/each-major.ts';
import { runAs } from '../postgres/platform.ts';

type Facts = Readonly<Record<string, unknown>>;

/** Part of every name that is hidden. */
const SECRET = 'sekrit';
const RULES = {
  deny: ['adv.sekrit_pay', 'adv.staff.sekrit_code'],
  mask: { 'adv.staff.badge': 'redact' },
  allow: ['adv.open_pay'],
};

const ask = async (howdah: CallersHowdah, input: Facts) => answerOf(await howdah.call('index_advice', input));

describeSomeMajors('index_advice where something is hidden', (cluster) => {
  const clone = useClone(cluster, 'fixture_ext');
  let ruled: CallersHowdah;
  let unruled: CallersHowdah;
  beforeAll(async () => {
    const url = clone().superuserUrl;
    await runAs(
      url,
      'create schema adv',
      `create table adv.sekrit_pay as select n as id, n % 977 as sekrit_sum, 'person ' || n as whom from generate_series(1, 20000) n`,
      `create table adv.staff as select n as id, 'name ' || n as name, 'code ' || n as sekrit_code, 'badge ' || n as badge from generate_series(1, 20000) n`,
      'create view adv.open_pay as select id, whom from adv.sekrit_pay',
      'create index sekrit_a on adv.sekrit_pay (id)',
      'create index sekrit_b on adv.sekrit_pay (id)',
      'create index staff_a on adv.staff (sekrit_code)',
      'create index staff_b on adv.staff (sekrit_code)',
      'create index staff_c on adv.staff (id)',
      'create index staff_d on adv.staff (id)',
      'analyze adv.sekrit_pay',
      'analyze adv.staff',
    );
    for (let n = 1; n <= 3; n++) {
      await runAs(
        url,
        `select count(*) from adv.sekrit_pay where sekrit_sum = ${n}`,
        `select count(*) from adv.open_pay where whom = 'person ${n}'`,
        `select name from adv.staff where sekrit_code like 'code ${n}%' and badge = 'badge ${n}'`,
        `select id from adv.staff where name = 'name ${n}'`,
      );
    }
    const reader = await makeReader(url, 'grant usage on schema adv', 'grant select on all tables in schema adv');
    const common = { url: clone().superuserUrl, logins: { reader }, guard: 'own' } as const;
    ruled = await openCallersHowdah({ ...common, persona: { data: RULES } });
    unruled = await openCallersHowdah(common);
  });
  afterAll(async () => {
    await ruled.close();
    await unruled.close();
  });

  it('tells all of the workload to whom nothing is hidden from', async () => {
    const all = JSON.stringify(await ask(unruled, {}));
    for (const each of ['sekrit_sum', 'whom', 'sekrit_code', 'staff_a', 'sekrit_b', '\\"name\\"'])
      expect(all).toContain(each);
  });

  it('tells nothing hidden of the workload: no statement, no candidate, no index that could go', async () => {
    const answer = await ask(ruled, {});
    const text = JSON.stringify(answer);
    expect(text).not.toContain(SECRET);
    expect(text).not.toMatch(/staff_[ab]\b/);
    expect(answer['rows']).toMatchObject([{ definition: expect.stringContaining('("name")') }]);
    expect(JSON.stringify(answer['findings'])).toMatch(/staff_[cd]\b/);
  });

  it('advises on nothing behind a view that is open', async () => {
    const statements = [`select id from adv.open_pay where whom = 'person 7'`];
    expect(JSON.stringify((await ask(unruled, { statements }))['rows'])).toContain('sekrit_pay');
    const answer = await ask(ruled, { statements });
    expect(answer['rows']).toEqual([]);
    expect(JSON.stringify({ ...answer, statements: [] })).not.toContain(SECRET);
  });

  it('advises on no masked column, whose values a gain would tell', async () => {
    const statements = [`select id from adv.staff where badge = 'badge 7'`, `select id from adv.staff order by badge`];
    expect((await ask(unruled, { statements }))['rows']).not.toEqual([]);
    expect((await ask(ruled, { statements }))['rows']).toEqual([]);
  });

  const about = async (table: string, column: string) => {
    const statements = [`select id from ${table} where ${column} = '7'`, `select ${column} from ${table}`];
    const { rows, statements: said } = await ask(ruled, { statements });
    return { rows, said: (said as Facts[]).map((each) => ({ ...each, statement: null })) };
  };

  it('knows no more of what is hidden than of what is not there', async () => {
    const absent = await about('adv.nowhere', 'nothing');
    expect(await about('adv.sekrit_pay', 'sekrit_sum')).toEqual(absent);
    expect(await about('adv.staff', 'sekrit_code')).toEqual(absent);
  });
});
