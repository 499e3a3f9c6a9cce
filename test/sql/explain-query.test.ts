import { afterAll, beforeAll, expect, it } from 'vitest';
import { createGuard } from '../../src/guard/create-guard.ts';
import { openStatementTexts } from '../../src/sqltext/statement-texts.ts';
import type { Finding } from '../../src/contract/finding.ts';
import { answerOf, errorOf, makeReader, openCallersHowdah, type CallersHowdah, type Reader } from '../callers-kit.ts';
import { useClone } from '../postgres/clone.ts';
import { describeSomeMajors } from '../postgres/each-major.ts';
import { runAs } from '../postgres/platform.ts';

const texts = openStatementTexts({ textMs: 5000 });
afterAll(() => texts.close());

const TABLES = [
  'create schema plans',
  'create table plans.big as select n as id, n % 10000 as part, n % 7 as kind, repeat($$x$$, 40) as text from generate_series(1, 60000) n',
  'create table plans.pairs as select n % 100 as a, n % 100 as b from generate_series(1, 20000) n',
  'create table plans.fresh (id integer, part integer)',
  'analyze plans.big, plans.pairs, plans.fresh',
  'insert into plans.fresh select n, n % 10 from generate_series(1, 20000) n',
];

function claims({ findings }: Readonly<Record<string, unknown>>): string[] {
  return (findings as Finding[]).map(({ claim }) => claim);
}

describeSomeMajors('explain_query', (cluster) => {
  const clone = useClone(cluster);
  let [howdah, masked]: CallersHowdah[] = [];
  let reader: Reader;
  beforeAll(async () => {
    const grants = ['grant usage on schema plans', 'grant select on all tables in schema plans'];
    await runAs(clone().superuserUrl, ...TABLES);
    reader = await makeReader(clone().superuserUrl, ...grants);
    const common = { url: clone().monitorUrl, logins: { reader }, guard: createGuard(texts) };
    howdah = await openCallersHowdah(common);
    masked = await openCallersHowdah({ ...common, persona: { data: { mask: { 'plans.big.part': 'null' } } } });
  });
  afterAll(async () => {
    await howdah?.close();
    await masked?.close();
  });
  const attempt = (sql: string, input: Readonly<Record<string, unknown>> = {}, by = howdah) =>
    (by as CallersHowdah).call('explain_query', { sql, ...input });
  const ask = async (...args: Parameters<typeof attempt>) => answerOf(await attempt(...args));
  const fail = async (...args: Parameters<typeof attempt>) => errorOf(await attempt(...args));

  it('draws the plan without running the query', async () => {
    const before = await runAs(clone().superuserUrl, `select seq_scan from pg_stat_user_tables where relname = 'big'`);
    const answer = await ask('select * from plans.big where part = 5', { format: 'both' });
    expect(answer).toMatchObject({
      analyzed: false,
      generic: false,
      plan: { root: { node: 'Seq Scan', relation: 'big', schema: 'plans' } },
    });
    expect(answer['tree']).toMatch(
      /^Seq Scan on "plans"\."big" {3}◀ dearest\n {2}rows 6, cost .*\n {2}filter: \(big\.part = 5\)/m,
    );
    expect(claims(answer)).toEqual([
      expect.stringMatching(/reads an estimated 60,000 rows to keep .*, which an index could find\.$/),
    ]);
    expect(await runAs(clone().superuserUrl, `select seq_scan from pg_stat_user_tables where relname = 'big'`)).toEqual(
      before,
    );
  });

  it('runs it where that is asked for, and tells what was wrong', async () => {
    const answer = await ask('select * from plans.fresh f where part = 5', { analyze: true });
    expect(answer['tree']).toMatch(/rows 2,000 \(\d+ estimated\)/);
    expect(answer['tree']).toMatch(/\nexecution [\d.]+ ms$/);
    expect(claims(answer)).toEqual([
      expect.stringMatching(/20,000 rows to keep 2,000/),
      expect.stringMatching(/^Seq Scan on "plans"\."fresh" f gave [\d.,]+ times more rows than estimated\.$/),
    ]);
    const correlated = await ask('select * from plans.pairs where a = 5 and b = 5', {
      analyze: true,
      misestimate_factor: 50,
      min_rows: 100,
    });
    expect((correlated['findings'] as Finding[])[0]).toMatchObject({
      evidence: { factor: 100, rows: 200, estimated_rows: 2 },
      next_step: expect.stringContaining('CREATE STATISTICS'),
    });
  });

  it('sees what spills to disk, and loops that visit too much', async () => {
    const spilling = await ask(
      'select text, count(*) from (select * from plans.big a order by text, id) q group by text, id',
      { analyze: true },
    );
    expect(claims(spilling)).toContainEqual(
      expect.stringMatching(/^Sort sorts [\d,]+ kB on disk \(external (merge|sort)\)\.$/),
    );
    const looping = await ask(
      'select count(*) from plans.big a join plans.pairs p on p.a > a.id and a.kind = 3 and a.id < 50',
      { loop_rows: 50_000 },
    );
    expect(claims(looping)).toContainEqual(
      expect.stringMatching(/^A nested loop runs .* an estimated [\d.,]+ times and visits [\d,]+ rows\.$/),
    );
  });

  it('plans for all values where none are given, also a text of pg_stat_statements', async () => {
    const answer = await ask('select * from plans.big where part = $1 and id < $3 limit $2');
    expect(answer).toMatchObject({ generic: true });
    expect(answer['tree']).toMatch(/big\.part = \$1/);
    const gap = await ask('select * from plans.big where part = $2');
    expect(gap['tree']).toMatch(/big\.part = \$2/);
    const given = await ask('select * from plans.big where part = $1', { parameters: [5] });
    expect(given).toMatchObject({ generic: false });
    expect(given['tree']).toMatch(/big\.part = 5/);
    expect(await ask('select 1', { generic: true })).toMatchObject({ generic: true });
    for (let i = 0; i < 3; i++)
      expect(await fail('select * from plans.big where part = $1 and nothing = $2')).toMatchObject({
        code: 'QUERY_FAILED',
      });
    expect(await ask('select * from plans.big where part = $1')).toMatchObject({ generic: true });
    expect(await fail('select $1::int', { analyze: true })).toMatchObject({ code: 'INVALID_INPUT' });
    expect(await fail('select 1', { analyze: true, generic: true })).toMatchObject({ code: 'INVALID_INPUT' });
  });

  it('compares with another query and with an earlier plan', async () => {
    const slow = `select * from plans.big where part + 0 = 5`;
    const answer = await ask(slow, { compare_with: 'select count(*) from plans.pairs where a = 1', format: 'both' });
    expect(answer).toMatchObject({
      comparison: { same_shape: false, time_ratio: null, joins: null },
      other_tree: expect.stringContaining('Aggregate'),
    });
    expect((answer['comparison'] as { access: unknown }).access).toEqual([
      { relation: 'big', before: expect.stringContaining('Seq Scan'), after: 'not read' },
      { relation: 'pairs', before: 'not read', after: 'Seq Scan' },
    ]);
    const [native] = await runAs(clone().superuserUrl, `explain (format json) ${slow}`);
    for (const earlier of [answer['plan'], JSON.stringify(answer['plan']), native?.['QUERY PLAN']]) {
      expect(await ask(slow, { compare_with: earlier })).toMatchObject({
        comparison: { same_shape: true, cost_ratio: 1, access: [] },
      });
    }
    for (const wrong of ['[]', '{"a": 1}', '[1, 2', { root: { node: 3 } }]) {
      expect(await fail(slow, { compare_with: wrong })).toMatchObject({ code: 'INVALID_INPUT' });
    }
  });

  it('explains nothing but queries that the guard lets pass', async () => {
    for (const sql of [
      'delete from plans.big',
      'select pg_sleep(1)',
      'explain select 1',
      'select 1; select 2',
      'show work_mem',
      'create table plans.x as select 1',
    ]) {
      const error = await fail(sql, { analyze: true });
      expect([sql, error.code]).toEqual([sql, expect.stringMatching(/^(SQL_REJECTED|INVALID_INPUT)$/)]);
    }
    expect(await fail('select 1', { compare_with: 'delete from plans.big' })).toMatchObject({ code: 'SQL_REJECTED' });
    expect(await fail('select * from shop.customers')).toMatchObject({
      code: expect.stringMatching(/QUERY_FAILED|FORBIDDEN/),
    });
  });

  it('tells a persona with masks no constant, no count of what was removed, and nothing of the masked column', async () => {
    const answer = await ask(
      `select id from plans.big where kind = 6 and part is null`,
      { analyze: true, format: 'both' },
      masked,
    );
    const text = JSON.stringify(answer);
    expect(text).toContain('Seq Scan');
    expect(text).not.toMatch(/removes|"removed"|= 6|kind/);
  });

  it('says that HypoPG is missing, which these servers lack', async () => {
    const wish = { hypothetical_indexes: ['create index on plans.big (part)'] };
    expect(await fail('select 1', wish)).toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringContaining('hypopg'),
    });
    expect(await fail('select 1', { hide_indexes: ['plans.x'] })).toMatchObject({ code: 'UNSUPPORTED' });
  });
});
