import { expect, it } from 'vitest';
import { useClone } from '../postgres/clone.ts';
import { describeEachMajor } from '../postgres/each-major.ts';
import { loginsOf, openHowdah, runAs, useHowdah } from '../postgres/platform.ts';
import { withSeparateServer } from '../postgres/separate-server.ts';
import { fieldsOf, follow, objects } from './advice.ts';

/** Older than what any of the servers has. */
const OLD = '1.4';

describeEachMajor('extensions', (cluster) => {
  const clone = useClone(cluster, 'fixture_ext');
  const howdah = useHowdah(clone);

  it.each(loginsOf(cluster))('lists what is installed, and where, for %s', async (login) => {
    const answer = await howdah(login).call('extensions');
    const { default_version } = answer.rows[0] ?? {};
    expect(answer.rows).toMatchObject([
      {
        extension: 'pg_stat_statements',
        version: default_version,
        newest_version: default_version,
        update_path: null,
        schema: 'ext',
        owner: 'postgres',
        relocatable: true,
        trusted: cluster.major >= 13 ? false : null,
        library: login === 'plain' ? 'not visible' : 'loaded',
      },
      {
        extension: 'plpgsql',
        schema: 'pg_catalog',
        relocatable: false,
        trusted: cluster.major >= 13 ? true : null,
        library: null,
      },
    ]);
    expect(answer).toMatchObject({ total: 2, findings: [] });
    expect(answer['about']).toEqual({ preloaded: login === 'plain' ? null : ['pg_stat_statements'] });
    expect(answer.not_examined?.map(({ what }) => what)).toEqual(
      login === 'plain' ? ['whether the libraries of extensions are loaded'] : undefined,
    );
  });

  it('lists what could be installed, and finds it by name', async () => {
    const answer = await howdah('monitor').call('extensions', { available: true, name: 'PGSTAT*' });
    expect(answer.rows).toMatchObject([
      { extension: 'pgstattuple', version: null, schema: null, owner: null, library: null },
    ]);
    expect(answer.rows[0]?.['default_version']).toMatch(/^1\./);
    expect((await howdah('monitor').call('extensions', { name: 'pgstat*' })).rows).toEqual([]);
    const all = await howdah('monitor').call('extensions', { available: true });
    expect(fieldsOf(all, 'extension').slice(0, 2)).toEqual([['pg_stat_statements'], ['plpgsql']]);
    expect(all.total).toBeGreaterThan(30);
  });

  it('says of one that is behind what server_overview says, and is content when it was updated', async () => {
    const url = clone().superuserUrl;
    await runAs(
      url,
      'drop extension pg_stat_statements',
      'create schema "E x t"',
      `create extension pg_stat_statements schema "E x t" version '${OLD}'`,
    );
    const answer = await howdah('plain').call('extensions');
    expect(answer.rows[0]).toMatchObject({ version: OLD, update_path: true });
    expect(objects(answer)).toEqual(['notice "E x t"."pg_stat_statements"']);
    const overview = await howdah('plain').call('server_overview');
    expect(overview.findings).toContainEqual(answer.findings[0]);
    for (const finding of answer.findings) await follow(url, finding);
    expect((await howdah('plain').call('extensions')).findings).toEqual([]);
  });
});

it(
  'warns of an extension whose library is not loaded, and is content after a restart',
  { timeout: 120_000 },
  async () => {
    await withSeparateServer({ shared_preload_libraries: '$libdir/auto_explain' }, async (_, url, __, restart) => {
      await runAs(url, 'create extension pg_stat_statements');
      const howdah = await openHowdah(url);
      const answer = await howdah.call('extensions');
      expect(answer.findings).toEqual([
        expect.objectContaining({
          severity: 'warning',
          object: '"public"."pg_stat_statements"',
          evidence: expect.objectContaining({ shared_preload_libraries: '$libdir/auto_explain' }),
          next_step: [
            '-- or, where nobody needs it, in this database: DROP EXTENSION "pg_stat_statements";',
            '-- a library that is not there keeps the server from starting: its file has to be here and on each standby',
            `ALTER SYSTEM SET shared_preload_libraries = '$libdir/auto_explain', 'pg_stat_statements';`,
            '-- comes into force with a restart',
          ].join('\n'),
        }),
      ]);
      await restart({ shared_preload_libraries: '$libdir/auto_explain,$libdir/pg_stat_statements.so' });
      const loaded = await howdah.call('extensions');
      expect(loaded).toMatchObject({
        findings: [],
        about: { preloaded: ['$libdir/auto_explain', '$libdir/pg_stat_statements.so'] },
      });
      await howdah.close();
    });
  },
);
