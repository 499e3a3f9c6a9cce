import { afterAll, describe, expect, it } from 'vitest';
import { openStatementTexts } from '../../../sqltext/statement-texts.ts';
import { parsableText, readingOf } from './statement-text.ts';

const texts = openStatementTexts({ textMs: 5000 });
afterAll(() => texts.close());

describe('a text of pg_stat_statements', () => {
  it.each([
    ['select a from t where b >= date $1 and c < $2', 'select a from t where b >= $1::date and c < $2'],
    ['select now() - interval $1 day', 'select now() - $1::interval day'],
    ['select timestamp with time zone $1', 'select $1::timestamp with time zone'],
    [
      'select extract($1 from t.a), extract(year from t.b) from t',
      'select extract(epoch from t.a), extract(year from t.b) from t',
    ],
    [`select 'date $1', "date" from t -- date $1`, `select 'date $1', "date" from t -- date $1`],
    ['select a from t where "date" = $1 limit $2', 'select a from t where "date" = $1 limit $2'],
  ])('%s parses', async (counted, parsable) => {
    expect(parsableText(counted)).toBe(parsable);
    await expect(texts.parse(parsable)).resolves.toBeDefined();
  });
});

describe('what a statement reads', () => {
  it.each([
    ['UpdateStmt', false, 'UPDATE t SET a = $1 WHERE b = $2', 'SELECT 1 FROM t WHERE b = $2'],
    [
      'UpdateStmt',
      true,
      'with x as (select 1) update only s.t as u set a = (select 1 from z where c is distinct from d) from x, y where u.b = y.b returning u.*;',
      'with x as (select 1) SELECT 1 FROM only s.t as u, x, y WHERE u.b = y.b',
    ],
    ['UpdateStmt', false, 'update t set a = b is distinct from c', 'SELECT 1 FROM t'],
    [
      'DeleteStmt',
      false,
      'DELETE FROM t WHERE a IN (SELECT 1 FROM u WHERE b) RETURNING a',
      'SELECT 1 FROM t WHERE a IN (SELECT 1 FROM u WHERE b)',
    ],
    ['DeleteStmt', true, 'delete from t using u where t.a = u.a', 'SELECT 1 FROM t, u WHERE t.a = u.a'],
    [
      'InsertStmt',
      false,
      'insert into t (a) select a from u where b = 1 on conflict do nothing',
      'SELECT a from u where b = 1',
    ],
    ['SelectStmt', false, 'select 1', 'select 1'],
  ])('%s of %s %s', async (type, readsMore, text, reading) => {
    expect(readingOf(text, type, readsMore)).toBe(reading);
    await expect(texts.parse(reading)).resolves.toBeDefined();
  });

  it('is nothing where values are given, or where it cannot be told', () => {
    expect(readingOf('insert into t values ($1, $2)', 'InsertStmt', false)).toBeUndefined();
    expect(
      readingOf('merge into t using u on t.a = u.a when matched then do nothing', 'MergeStmt', true),
    ).toBeUndefined();
  });
});
