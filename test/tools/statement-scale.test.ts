/** Thousands of statements on record, some of them long: the tools about them answer in time, call after call. */
import { expect, it } from 'vitest';
import { openHowdah, runAs } from '../postgres/platform.ts';
import { withSeparateServer } from '../postgres/separate-server.ts';

/** Of so many columns, and with so long a text: each is a statement of its own to pg_stat_statements. */
const SELECTS = Array.from({ length: 1000 }, (_, n) => `select ${'1,'.repeat(n)}1`);
const COMMENTS = Array.from({ length: 3000 }, (_, n) => `comment on schema public is '${n}${'x'.repeat(2000)}'`);

it('are answered as quickly when PostgreSQL has made one plan for all inputs', { timeout: 120_000 }, async () => {
  await withSeparateServer({ shared_preload_libraries: 'pg_stat_statements' }, async (_, url) => {
    await runAs(url, 'create extension if not exists pg_stat_statements', ...SELECTS, ...COMMENTS);
    const howdah = await openHowdah(url);
    try {
      // the sixth call of a prepared statement may be the first by such a plan
      for (let i = 0; i < 8; i++) {
        expect(await howdah.call('top_statements', { limit: 3 })).toMatchObject({ truncated: true });
        expect((await howdah.call('statement_load')).rows).not.toEqual([]);
      }
    } finally {
      await howdah.close();
    }
  });
});
