/** A statement whose bytes are no text: on a server of its own, since everybody's pg_stat_statements holds it. */
import { expect, it } from 'vitest';
import { newestCluster } from '../postgres/each-major.ts';
import { runSql } from '../postgres/instance.ts';
import { openHowdah, runAs, type Answer } from '../postgres/platform.ts';
import { withSeparateServer } from '../postgres/separate-server.ts';

function find({ rows }: Answer, text: string) {
  return rows.find(({ statement }) => String(statement).includes(text));
}

it('costs the texts of statements where it cannot be read, and never their numbers', async () => {
  expect(newestCluster().major).toBeGreaterThan(0);
  await withSeparateServer({}, async (server, url) => {
    await runSql(server, 'postgres', 'create extension pg_stat_statements');
    await runSql(server, 'postgres', `create database raw encoding 'SQL_ASCII' locale 'C' template template0`);
    await runSql(server, 'raw', 'create extension pg_stat_statements');
    const there = url.replace('/postgres?', '/raw?');
    await runAs(
      there,
      `set pg_stat_statements.track = 'all'`,
      `do $$ begin execute E'select max(oid) as caf\\xe9 from pg_am where amname = ''s3cret\\xff'''; end $$`,
    );
    await runAs(url, `select 'pl4nted' as readable`);
    await expect(runAs(url, 'select query from pg_stat_statements')).rejects.toThrow('invalid byte sequence');
    const howdah = await openHowdah(url);
    try {
      const hidden = await howdah.call('top_statements', { limit: 500 });
      expect(hidden.rows.length).toBeGreaterThan(5);
      expect(hidden.rows.every(({ statement, query_id }) => statement === null && query_id !== null)).toBe(true);
      expect(hidden['about']).toMatchObject({ texts_read: false });
      expect((hidden.not_examined ?? []).map(({ what }) => what)).toEqual(['the texts of all statements']);

      const types = await howdah.call('statement_load', { group_by: 'statement_type' });
      expect(types).toMatchObject({ about: { texts_read: false }, rows: [{ type: null }] });
      const byDatabase = await howdah.call('statement_load');
      expect(byDatabase).toMatchObject({ about: { texts_read: true } });
      expect(new Set(byDatabase.rows.map(({ database }) => database))).toEqual(new Set(['postgres', 'raw']));

      const raw = await howdah.call('top_statements', { limit: 500, database: 'raw' });
      expect(raw['about']).toMatchObject({ texts_read: true });
      expect(find(raw, 'as caf')?.['statement']).toBe('select max(oid) as caf? from pg_am where amname = $1');
      expect(find(raw, 'as readable')?.['statement']).toBe('select $1 as readable');
      expect(JSON.stringify([raw, hidden])).not.toMatch(/s3cret|pl4nted/);

      const remedy = hidden.not_examined?.[0]?.remedy?.split('\n')[1] ?? '';
      await runAs(url, remedy);
      const readable = await howdah.call('top_statements', { limit: 500 });
      expect(find(readable, 'as readable')).toMatchObject({ statement: 'select $1 as readable', database: 'postgres' });
    } finally {
      await howdah.close();
    }
  });
});
