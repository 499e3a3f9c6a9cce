/** Ways to learn a value that is masked or denied: none reveals it. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { DATA, fillWithSecrets, PATH, SECRETS } from './mask-fixture.ts';
import { openCaller, type Caller, type Heard } from './mask-kit.ts';
import { useClone } from './postgres/clone.ts';
import { describeSomeMajors } from './postgres/each-major.ts';

/**
 * `rows`, `no rows`, `plan`, or `error` of PostgreSQL are what comes of it; any other word is the rule of the guard that
 * refuses it. A version behind the way is the first that has the syntax.
 */
const WAYS = table(
  3,
  String.raw`
  rows | as it is | select * from users
  rows | UNION | select name from users union select email from users union all select phone from users
  rows | EXCEPT of what is known | select email from users except select 'topsecret1' || '@example.com'
  rows | a sub-select | select (select email from users u where u.id = o.user_id) from orders o
  no rows | a correlated EXISTS | select o.id from orders o where exists (select from users u where u.id = o.user_id and u.email like 't' || 'ops%')
  no rows | NATURAL JOIN | select * from users natural join (select 'topsecret1' || '@example.com' as email) g
  rows | JOIN USING | select * from users join people using (email)
  rows | a whole row | select u from users u
  rows | a whole row of a table by its own name | select users from users
  rows | u.* | select u.* from users u
  rows | u.* of an expression | select (u).* from users u
  rows | (u).email | select (u).email, (users).email from users u, users
  rows | u.email by its table | select users.email from users
  rows | shop.users.email | select shop.users.email, shop.users.* from shop.users where shop.users.email is not null
  rows | row_to_json | select row_to_json(u) from users u
  rows | to_jsonb | select to_jsonb(u) -> 'email', to_jsonb(u)::text from users u
  rows | json_agg | select json_agg(u) from users u
  rows | a cast of the row to text | select u::text from users u
  type/catalogue | a cast of the row to its own type | select (u::users).email from users u
  rows | array_agg | select array_agg(u) from users u
  rows | string_agg | select string_agg(email, ',') from users
  rows | format and concat | select format('%s', u), concat(u, u.email) from users u
  rows | a row comparison | select u.id from users u where (u.id, u.email) > (1, 't')
  no rows | IS DISTINCT FROM | select id from users where email is not distinct from 'topsecret1' || '@example.com'
  relation/view | a view | select * from user_view
  relation/view | a materialised view | select * from user_mat
  rows | a view that is granted, and masked itself | select id, email from granted
  rows | a partition | select * from parts_w union all select * from parts_z1 union all select * from parts_z
  rows | a parent of partitions | select * from parts
  rows | a parent that is masked, by its child | select * from staff
  rows | a child that is masked, by its parent | select * from base
  rows | ONLY | select * from only users, only (people)
  rows | ONLY without a space, and a star | select * from only(users) union all select * from users *
  rows | TABLE | table users
  rows | TABLE ONLY, ordered | table only shop.users order by email limit 3
  rows | TABLE in a CTE | with t as (table users) select t.email, t from t
  relation/unknown | a hidden schema | select * from hr.salaries
  error | a denied column by name | select pin from users
  rows | a denied column of the row | select u, to_json(u) ->> 'pin' from users u
  error | a denied column in WHERE | select id from users where pin like 'p%'
  no rows | a generated column | select low from users where low like 't' || 'ops%'
  relation/statistics | pg_stats | select most_common_vals, histogram_bounds from pg_stats where tablename = 'users'
  relation/statistics | pg_statistic | select stavalues1 from pg_statistic
  relation/catalogue | pg_statistic_ext | select * from pg_statistic_ext
  relation/statistics | pg_statistic_ext_data | select * from pg_statistic_ext_data
  relation/catalogue | bounds of partitions | select pg_get_expr(relpartbound, oid) from pg_class
  relation/catalogue | bounds of partitions without a function | select relpartbound from pg_class
  error | a cast that fails | select email::integer from users
  error | a cast of what is denied | select (u.pin)::integer from users u
  error | division by what is masked | select 1 / length(email) / (length(email) - 10) from users
  function/not-granted | a function of a row | select peek(u) from users u
  attribute/function | a function of a row as a column | select u.peek from users u
  error | a function that raises its argument | select cast(email as date) from users
  error | a domain that does not hold | select ('x' || substr(email, 1, 0))::address from users
  plan | EXPLAIN | explain select * from users where email = 'topsecret' || 'x' and low > 'a' order by email
  plan | EXPLAIN of a granted view | explain select * from granted where email = 'x'
  plan | EXPLAIN ANALYZE | explain analyze select * from users where email like 'tops' || '%' and born is null
  plan | EXPLAIN VERBOSE of a join | explain (verbose) select * from users u join people p on u.email = p.email where u.id = 1
  relation/target | EXPLAIN of a change | explain update users set name = email where email like 'x%'
  plan | EXPLAIN of a change from it | explain insert into orders select id, id, length(email) from users where email > 'm'
  relation/sampled | TABLESAMPLE | select * from users tablesample bernoulli (100)
  rows | ORDER BY a position | select id, email, row_number() over (order by email, id) from users order by 2, 1
  rows | min and max | select min(email), max(phone), max(born), min(card), max(note) from users
  rows | LIKE and count | select count(*) from users where email like 'tops' || 'ecret%'
  no rows | a regular expression | select id from users where email ~ '^t.p' and phone !~ 'x' 
  rows | GROUP BY | select email, phone, count(*) from users group by 1, 2
  rows | DISTINCT ON | select distinct on (email) email, phone from users order by email, phone
  rows | a window | select first_value(email) over w, lag(phone) over w from users window w as (partition by born order by card)
  rows | CASE with 1/0 | select case when email like 'tops' || 'ecret%' then 1 / (id - id) else 0 end from users
  rows | a recursive CTE | with recursive r as (select id, email from users where id = 1 union all select u.id, u.email from users u join r on u.id = r.id + 1 where u.id < 5) select * from r
  relation/cte-name | a CTE of the same name | with users as (select * from users) select * from users
  relation/cte-name | a recursive CTE of the same name | with recursive users as (select 1 as email) select * from shop.users, users
  rows | a CTE of another name | with early_users as (select * from users), x as (select * from early_users) select x.email, x from x
  rows | names of columns in an alias | select c, d, x from users as x (a, b, c, d)
  rows | names of columns in an alias, lateral | select l.* from users as x (a, b, c), lateral (select c, x::text) l
  function/not-allowed | xmlforest and query_to_xml | select query_to_xml('select * from shop.users', true, false, '')
  rows | xmlelement of a row | select xmlelement(name x, u.email, u.phone) from users u
  rows | xmltable over a row | select x.* from users u, xmltable('/r' passing xmlelement(name r, xmlattributes(u.email as e)) columns e text path '@e') x
  rows | json_to_record | select r.* from users u, json_to_record(to_json(u)) as r (email text, pin text)
  type/catalogue | json_populate_record of its own type | select r.email, r.pin from users u, json_populate_record(null::users, to_json(u)) r
  rows | JSON_TABLE (since 17) | select t.* from users u, json_table(to_jsonb(u), '$' columns (e text path '$.email', p text path '$.pin')) t
  rows | a function of sets in the target list | select unnest(array[email, phone]), json_each_text(to_json(u)) from users u
  function/not-allowed | currtid | select currtid2('shop.users', '(0,1)')
  error | ctid | select ctid, email from users
  error | tableoid and xmin | select tableoid, xmin from users
  node/not-allowed | a name with its database | select * from nowhere.shop.users_x
  rows | the search path of another | select u.email, e.email from shop.users u, early.users e
  rows | capitals | SELECT EMAIL FROM SHOP.USERS
  rows | quotes | select "users"."email" from "shop"."users"
  rows | odd names | select "E Mail", "Üsers ""X""", "select" from "Odd Schema"."Üsers ""X"""
  rows | escapes of Unicode | select * from U&"\0075sers" as U&"\0075", U&"sh!006Fp" uescape '!' . U&"users"
  rows | bytes before | select 'äöü🐘' as "ß🐘", email from /* 🐘 */ users where 'é' = 'é'
  rows | comments between the parts | select email from/**/shop/* a /* b */ */./*c*/users--d\n/*e*/as/*f*/u
  rows | no spaces | select"email"from"users"where"id"=1
  rows | parentheses around joins | select * from ((users a join (users b cross join users) on a.id = b.id)) where a.id = 1 and users.id = 1
  rows | the same table many times | select a.email, b.email, c.email from users a, users b, users c where a.id = 1 and b.id = 2 and c.id = 3
  rows | a VALUES with a sub-select | values ((select email from users where id = 1)), ((select pin_of.n from (select name as n from users limit 1) pin_of))
  rows | LIMIT by what is masked | select id from orders order by 1 limit (select length(email) from users where id = 1)
  rows | a filter of an aggregate | select count(*) filter (where email = 'topsecret1' || '@example.com') from users
  rows | a quantified comparison | select 'topsecret1' || '@example.com' = any (select email from users), 'a' < all (select email from users)
  rows | an array sub-select | select array(select email from users)
  rows | a grouping set | select email, phone, count(*) from users group by cube (email, phone)
  rows | COLLATE | select email collate "C" from users order by email collate "C" desc
  statement/setting | the key of the hash by SHOW | show howdah.mask_key
  statement/setting | the key of the hash by a function | select current_setting('howdah.mask_key'), phone from users
  function/argument | the key of the hash by an expression | select current_setting('how' || 'dah.mask_key'), phone from users
  no rows | settings | select name, setting from pg_settings where name like '%mask%'
  plan | a sequence of reads by their plans | explain analyze select count(*) from users where low like 't%'
  rows | a virtual generated column | select up, email, virtual from virtual
  rows | a check of input | select pg_typeof(email), pg_column_size(email), length(email), md5(email), quote_literal(email) from users
  function/not-allowed | a statement in a text for ts_stat | select * from ts_stat('select to_tsvector(email) from shop.users')
  function/not-allowed | a table by its name in a text | select table_to_xml('shop.users', true, false, '')
  function/not-allowed | a key of one's own | select set_config('howdah.mask_key', 'mine', true), phone from users
  function/not-allowed | a file of the server | select pg_read_file('base/1/1259')
  function/unknown | a page of the table | select get_raw_page('shop.users', 0)
  type/catalogue | a table by its OID | select 'shop.users'::regclass::oid
  rows | a denied name that an outer query has | select (select pin from users limit 1) from (values ('mine')) as x (pin)
  error | a denied name in ORDER BY | select id from users order by pin
  rows | JSON paths | select jsonb_path_query(to_jsonb(u), '$.*') from users u
  rows | ranges and bytes of it | select int4range(length(email), null), convert_to(email, 'UTF8'), encode(sha256(convert_to(phone, 'UTF8')), 'hex') from users
  statement/locking | a lock on the rows | select * from users for update
  statement/kind | RETURNING | delete from users returning *
  statement/data-modifying | a data-modifying CTE | with x as (update users set name = name returning email) select * from x
  relation/unknown | pg_toast | select * from pg_toast.pg_toast_1
  relation/statistics | large objects | select * from pg_largeobject
  function/catalogue | definitions | select pg_get_viewdef('shop.user_view'::regclass)
  function/catalogue | privileges as an oracle | select has_column_privilege('shop.users', 'pin', 'select')
  attribute/function | a hidden table by its name, as an attribute of a text | select ('hr.salaries'::text).to_regclass
  attribute/function | the size of a table, as an attribute of a number | select (16390::oid).pg_relation_size
  attribute/function | the definition of a view, as an attribute of a number | select (u.id::oid).pg_get_viewdef from users u
  attribute/function | statistics, as an attribute of a number | select (id::oid).pg_stat_get_live_tuples from users
  attribute/function | a type, as an attribute of a row | select u.pg_typeof from users u
  type/catalogue | a cast to a row with a denied column, as an attribute | select ('(1,2)'::text).parts
  function/catalogue | numbers that are read as types beside one | select case when false then pg_typeof(1) else '16500' end
  function/catalogue | all numbers that are read as types | select array_append(array[pg_typeof(1)], g) from generate_series(16384, 16600) g
  function/catalogue | names that are read as types | select pg_typeof(1) union select 'hr.salaries'
  function/catalogue | whether there is a type of that name | select pg_typeof(1) = 'hr.salaries'
  function/catalogue | a type in a CTE | with t as (select pg_typeof(1) p) select coalesce(null, p, '16500') from t
  rows | a type as a text | select pg_typeof(email)::text || '' from users
  relation/catalogue | numbers that are read as functions beside one | select case when false then amhandler else '16500' end from pg_am
  relation/catalogue | the same of conversions | select coalesce(null, conproc, '16500') from pg_conversion
  type/unknown | a row of a hidden table | select (null::hr.salaries).*
  type/unknown | a row of a hidden table by JSON | select * from json_populate_recordset(null::hr.salaries, '[{"amount":1}]')
  type/unknown | an array of rows of a hidden table | select (null::hr._salaries)[1], (null::hr.salaries[])[1]
  type/unknown | a column of a hidden type | select * from jsonb_to_recordset('[{}]') as t (a hr.salaries)
  type/catalogue | the denied column of a row that is null | select to_jsonb(jsonb_populate_record(null::shop.users, '{}'))
  type/catalogue | the denied column of a partition | select to_jsonb(null::parts_w)
  type/unknown | a type that is not there | select null::hr.nothing
  function/unknown | a cast to a row of a hidden table as a call | select hr.salaries(null)
  rows | a row of a table with nothing hidden | select jsonb_populate_record(null::orders, '{"id": 1}'), null::people
  rows | a column that tells a name | select id, at, by, many from logged
  error | numbers that are read as names beside a column | select case when false then at else 16500 end from logged
  error | the same of a domain | select array_append(array[by], 16500) from logged
  error | the same of an array | select array_append(many, 16500) from logged
  error | the same of a masked one | select case when true then 16500 else at end from logged_too
  error | the same of a view | select case when false then at else 16500 end from logged_view
  type/catalogue | a domain over names | select '16500'::place
  type/catalogue | a row with such a column | select json_populate_record(null::logged, '{"at": 16500}')
  relation/unknown | an index of a hidden column | select * from users_low
`,
);

/** A right and a wrong guess in the place of `?`: what the caller gets must be the same. */
const GUESSES = table(
  4,
  String.raw`
  topsecret | other | a count by LIKE | select count(*) from users where email like '?%'
  topsecret1@example.com | x | 1/0 in CASE | select case when max(email) = '?' then 1 / 0 end from users where id = 1
  topsecret | other | an error of a cast | select count((case when email like '?%' then 'x' else '1' end)::integer) from users
  topsecret | zzz | estimates of a LIKE | explain select * from users where email like '?%'
  topsecret1@example.com | zzz | estimates of an equality | explain select * from users where email = '?'
  a | zzz | estimates of a range | explain select * from users where low > '?'
  1987-01-02 | 2030-01-01 | estimates of a date | explain select * from users where born < '?'
  top | zzz | estimates by the expression of an index | explain select * from users where left(email, 3) = '?'
  topsecret1@example.com | zzz | estimates of a join | explain select * from users u join (values ('?')) v (e) on v.e = u.email
  west-coast | nowhere | pruning of partitions | explain select * from parts where zone = '?'
  west-coast | nowhere | pruning of partitions when run | explain analyze select * from parts where zone = (select '?'::text)
  pin | pun | a denied column that is there | select ? from users
  salaries | holidays | a hidden table that is there | select * from hr.?
  0174-1 | 0174-0 | the order of hashes | select count(*) from users where phone < '?'
  1987-01-01 | 1990-01-01 | a range of the year | select count(*) from users where born between '?' and '1988-01-01'
  Zanzibar 1 | Paris | a containment in JSON | select count(*) from users where doc @> '{"city": "?"}'
`,
);

describeSomeMajors('SQ-18: a caller learns no hidden value', (cluster) => {
  const clone = useClone(cluster, 'fixture_ext');
  let caller: Caller;
  let url: string;
  beforeAll(async () => {
    url = await fillWithSecrets(clone());
    caller = await openCaller({ url, data: DATA, path: PATH });
  });
  afterAll(() => caller.close());

  const known = WAYS.filter(([, way = '']) => cluster.major >= Number(/since (\d+)/.exec(way)?.[1] ?? 0));
  it.each(known)('%s, by %s', async (outcome = '', _, sql = '') => {
    const heard = await caller.ask(sql);
    expect(outcomeOf(heard)).toBe(outcome);
    expect(secretsIn(heard)).toEqual([]);
  });

  it.each(GUESSES)('by guessing %s or %s: %s', async (right = '', wrong = '', _, sql = '') => {
    const [told, same] = [await caller.ask(sql.replace('?', right)), await caller.ask(sql.replace('?', wrong))];
    expect(withoutTimes(told)).toEqual(withoutTimes(same));
    expect(secretsIn(told).filter((secret) => !right.includes(secret))).toEqual([]);
  });
});

function outcomeOf({ rule, rows, plan, error }: Heard): string | undefined {
  if (rule !== undefined) return rule;
  if (rows !== undefined) return rows.length > 0 ? 'rows' : 'no rows';
  return plan === undefined ? error && 'error' : 'plan';
}

/** A hash can have any digits in it. */
function secretsIn(heard: Heard): string[] {
  const text = JSON.stringify(heard).replaceAll(/[0-9a-f]{32}/g, '');
  return [...text.matchAll(SECRETS)].map(([secret]) => secret);
}

/** What differs from one run to the next. */
function withoutTimes(heard: Heard): unknown {
  return JSON.parse(JSON.stringify(heard, (key, value: unknown) => (key.endsWith('Time') ? 0 : value)));
}

/** A line each, with bars between the fields; the last may have bars in it. */
function table(fields: number, text: string): string[][] {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return lines.map((line) => {
    const parts = line.trim().split(' | ');
    return [...parts.slice(0, fields - 1), parts.slice(fields - 1).join(' | ')];
  });
}
