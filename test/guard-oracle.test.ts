/** PostgreSQL says itself what a statement reaches: the guard must know all of it. */
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { allReaches } from '../src/guard/all-reaches.ts';
import type { CatalogFacts } from '../src/guard/facts.ts';
import { readFacts } from '../src/guard/read-facts.ts';
import type { References } from '../src/guard/references.ts';
import { createPermits, openPool, type Pool } from '../src/postgres/pool.ts';
import { useDefinitions } from './guard-definitions.ts';
import { callerUrl, CASE_TABLES, guardFixture } from './guard-fixture.ts';
import cases from './sql-guard-cases.json' with { type: 'json' };
import { useClone } from './postgres/clone.ts';
import { describeSomeMajors } from './postgres/each-major.ts';
import { runSql } from './postgres/instance.ts';
import { inSession, targetOf } from './session-kit.ts';

/** The first OID that is not of initdb. */
const USERS = 16_384;

/** PostgreSQL puts `array_cat` into every SEARCH and CYCLE by its OID, so that no other can be meant. */
const OF_ITS_OWN = new Set([383]);

const isUsers = (oid: number) => oid >= USERS;

const definitions = useDefinitions();

/** What the rewritten query trees of PostgreSQL name. */
interface Named {
  readonly relations: ReadonlySet<number>;
  readonly functions: ReadonlySet<number>;
  /** Called by casts and by grouping and sorting, which the text does not name. */
  readonly unnamed: ReadonlySet<number>;
}

/** Parses and rewrites the statement on the server, and does not run it. */
async function rewritten(client: pg.Client, text: string): Promise<Named> {
  const trees: string[] = [];
  const hear = ({ message, detail }: { message: string | undefined; detail?: string | undefined }) => {
    if (message?.startsWith('rewritten parse tree') === true) trees.push(detail ?? '');
  };
  client.on('notice', hear);
  try {
    await parseOnly(client, text);
  } finally {
    client.off('notice', hear);
  }
  if (trees.length === 0) throw new Error(`PostgreSQL showed no tree of ${text}`);
  const tree = trees.join('\n');
  const calls = [
    ...tree.matchAll(/:funcid (\d+)\s+:funcresulttype \d+\s+:funcretset \w+\s+:funcvariadic \w+\s+:funcformat (\d)/g),
  ];
  const casts = calls.filter(([, , format]) => format === '1' || format === '2').map(([, oid]) => Number(oid));
  const named = calls.filter(([, , format]) => format !== '1' && format !== '2').map(([, oid]) => Number(oid));
  const operators = oidsOf(tree, 'opno|eqop|sortop');
  return {
    relations: oidsOf(tree, 'relid'),
    functions: new Set([...named, ...oidsOf(tree, 'opfuncid|aggfnoid|winfnoid')].filter((oid) => !OF_ITS_OWN.has(oid))),
    unnamed: new Set([...casts, ...(await functionsOf(client, operators))]),
  };
}

/** Sends Parse and Sync. */
function parseOnly(client: pg.Client, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    client.query({
      submit: (connection) => {
        connection.parse({ name: '', text, types: [] }, true);
        connection.sync();
      },
      handleError: (error: Error) => reject(error),
      handleReadyForQuery: () => resolve(),
    } as pg.Submittable);
  });
}

function oidsOf(tree: string, fields: string): ReadonlySet<number> {
  const found = [...tree.matchAll(new RegExp(`:(?:${fields}) (\\d+)`, 'g'))].map(([, oid]) => Number(oid));
  return new Set(found.filter((oid) => oid !== 0));
}

async function functionsOf(client: pg.Client, operators: ReadonlySet<number>): Promise<readonly number[]> {
  const text = 'select oprcode::oid::int as oid from pg_operator where oid = any ($1::oid[])';
  const { rows } = await client.query<{ oid: number }>(text, [[...operators]]);
  return rows.map(({ oid }) => oid);
}

/** What the guard judges: by name, with every overload, and through definitions, children and types. */
function judged(references: References, facts: CatalogFacts): Omit<Named, 'unnamed'> {
  const all = [references, ...allReaches(references, facts)];
  const relations = all.flatMap((each) => each.relations.flatMap((name) => facts.relation(name) ?? []));
  const called = all.flatMap((each) => [
    ...each.functions.flatMap((name) => facts.functions(name)),
    ...each.operators.flatMap((name) => facts.operators(name)),
    ...each.attributes.flatMap(({ name }) => facts.functions({ schema: undefined, name })),
  ]);
  return {
    relations: new Set(relations.flatMap(({ oid, descendants }) => [oid, ...descendants])),
    functions: new Set(called.map(({ oid }) => oid)),
  };
}

const OWN = [
  'select * from v1, v2, v3, v_rec, v_using, v_planted, v_salaries, v_foreign',
  'select * from v_secured, secured, computed, typed, twice',
  'select * from mv union all select id, id from mv_salaries',
  'select u, u.*, u.name, row_to_json(u), count(u) over () from users u',
  'select u.of_row, (u).of_two, of_row(u), of_two(u) from users u',
  `select name = 'a', - name, lower(name), lower(name::varchar), now() from users`,
  'select a.name from users a join users b using (name) natural join (select name from users) c',
  `select name in ('a', 'b'), name not in (select status from orders), name between 'a' and 'b' from users`,
  `select name is distinct from 'a', nullif(name, 'b'), case name when 'c' then 1 end, (name, id) = ('a', 1) from users`,
  `select name = any (array['a']), name like 'a%', name ilike 'A%', name similar to 'a', name ~ 'a' from users`,
  'select (select max(o.amount) from orders o where o.user_id = u.id) from users u where exists (select from orders)',
  `select name::text::varchar(10), id::text, '1'::int, cast(id as bigint), good.m::text from users, (select 'good'::mood as m) good`,
  'select plain(name), by_check(name), by_policy(id) from users where by_check(name)',
  'select sum(distinct id), array_agg(name order by id), percentile_cont(0.5) within group (order by id), count(*) filter (where id > 1) from users',
  'select rank() over w, lag(id, 1) over w from users window w as (partition by name order by id desc)',
  `select id from users group by grouping sets ((id), ()) having max(name) > 'a' order by id using > limit 1 + 1 offset 1`,
  'select distinct on (name) name, id from users order by name, id',
  'select * from users tablesample bernoulli (10) repeatable (1)',
  'select * from generate_series(1, 3) g, unnest(array[1]) u, json_each_text(\'{"a":1}\') j, rows from (generate_series(1, 2)) r',
  `with recursive t (n) as (select 1 union all select n + 1 from t where n < 3) select n from t`,
  `with a as (select id from users), b as (select id from a) select * from b, lateral (select b.id + 1) l`,
  `select doc -> 'a' ->> 'b', doc #>> '{a}', doc @> '{}', doc['a'] from users`.replace(", doc['a']", ''),
  `select overlay('abc' placing 'x' from 1), position('a' in name), substring(name from 1 for 2), trim(both 'a' from name), extract(year from now()) from users`,
  `select current_date, current_timestamp, localtime, current_user, at.t at time zone 'UTC' from (select now() as t) at`,
  `select xmlelement(name a, name), xmlforest(id), coalesce(name, 'a'), greatest(id, 1), array[id] || 2, row(1, 'a') from users`,
  'select * from child, only parent, two_parents, parts_a, "Odd Schema"."Odd ""Table"""',
  `select s.span @> 1.0::float8, s.span * s.span, (s.one).b, (s.one).a, s.many[1] from typed s`,
  `select null::pair, array['x']::checked[], row('a', 1)::pair, 'x'::narrow`,
  `values (1, lower('A')), (2, 'b')`,
  'table users',
  'select * from pg_stat_activity, pg_tables, information_schema.columns, pg_roles limit 1',
  `select 1 operator(pg_catalog.+) 1, 'a' operator(planted.=) 'b', pg_catalog.lower('A'), planted.now()`,
];

describeSomeMajors('the oracle', (cluster) => {
  const clone = useClone(cluster, 'fixture_ext');
  let pool: Pool;
  let client: pg.Client;
  beforeAll(async () => {
    await runSql(cluster, clone().name, `create extension pg_trgm schema ext; grant usage on schema ext to public`);
    await runSql(cluster, clone().name, guardFixture(cluster.major));
    await runSql(cluster, clone().name, CASE_TABLES);
    pool = openPool(targetOf(callerUrl(clone())), { permits: createPermits(1) });
    client = new pg.Client({ connectionString: callerUrl(clone()) });
    await client.connect();
    await client.query('set client_min_messages = log; set debug_print_rewritten = on');
  });
  afterAll(() => Promise.all([pool.close(), client.end()]));

  const compare = async (text: string, path: readonly string[]) => {
    await client.query(`set search_path = ${path.join(', ')}, pg_temp`);
    const named = await rewritten(client, text);
    const statement = /^delete/i.test(text) ? `explain ${text}` : text;
    const references = await definitions.referencesIn(statement, cluster.major);
    const facts = await inSession(pool, (session) => readFacts(session, path, references, definitions.read));
    const known = judged(references, facts);
    // a view of the system is a leaf: what it reads is not looked into
    const throughLeaves = [...known.relations].some((oid) => facts.relationByOid(oid)?.isSystem === true);
    const ask = (oid: number) => !throughLeaves || isUsers(oid);
    return {
      relations: [...named.relations].filter((oid) => ask(oid) && !known.relations.has(oid)),
      functions: [...named.functions].filter((oid) => ask(oid) && !known.functions.has(oid)),
      unnamed: [...named.unnamed].filter((oid) => isUsers(oid) && !known.functions.has(oid)),
    };
  };
  const nothing = { relations: [], functions: [], unnamed: [] };

  describe('names nothing that the guard does not know of', () => {
    it.each(OWN)('%s', async (text) => {
      expect(await compare(text, ['pg_catalog', 'app', 'planted'])).toEqual(nothing);
    });

    it.runIf(cluster.major >= 18)('select * from virtual, v_invoker', async () => {
      expect(await compare('select * from virtual, v_invoker', ['pg_catalog', 'app'])).toEqual(nothing);
    });

    const benign = cases.filter(
      (each) => each.expect === 'allow' && ((each as { min_pg?: number }).min_pg ?? 0) <= cluster.major,
    );
    const selects = benign.map(({ sql }) => sql.replace(/^explain\s*(\([^)]*\)\s*)?/i, '').replace(/;\s*$/, ''));
    it.each(selects.filter((sql) => !/^show|<=>/i.test(sql)))('%s', async (text) => {
      expect(await compare(text, ['pg_catalog', 'cases', 'ext'])).toEqual(nothing);
    });
  });

  it('would tell if the guard knew less', async () => {
    await client.query('set search_path = pg_catalog, app, pg_temp');
    const { relations, functions } = await rewritten(client, 'select * from v3');
    const { rows } = await runSql(
      cluster,
      clone().name,
      `select array['app.v1', 'app.users', 'app.orders']::regclass[]::oid[]::int[] as relations, 'app.by_view'::regproc::oid::int as f`,
    );
    const [expected] = rows as { relations: number[]; f: number }[];
    expect([...relations]).toEqual(expect.arrayContaining(expected?.relations ?? [0]));
    expect([...functions]).toContain(expected?.f);
  });
});
