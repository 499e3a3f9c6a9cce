import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { cloneDatabase, useClone } from '../postgres/clone.ts';
import { describeEachMajor, describeEachStandby } from '../postgres/each-major.ts';
import { openNarrowHowdah, runAs, useHowdah, withSession, type Answer, type Row } from '../postgres/platform.ts';
import { untilCounted } from './counted.ts';
import { onServer } from './on-server.ts';

/** A cursor whose sort is on disk, for as long as its transaction is open. */
const SPILL = [
  'set work_mem = 64',
  'begin',
  'declare spilled cursor for select g from generate_series(1, 200000) g order by -g',
  'fetch 1 from spilled',
];

function listOf(answer: Answer, part: string): readonly Row[] {
  return answer[part] as readonly Row[];
}

describeEachMajor('temporary_files', (cluster) => {
  const clone = useClone(cluster);
  const howdah = useHowdah(clone);

  it('names who writes them now, and shows nothing of constants', async () => {
    await withSession(clone().superuserUrl, async (session) => {
      const secret = randomBytes(6).toString('hex');
      const { rows } = await session.query<{ pid: number }>('select pg_backend_pid() as pid');
      for (const statement of [`set application_name = 'reporting'`, ...SPILL, `select '${secret}' as last`])
        await session.query(statement);
      const pid = rows[0]?.pid;
      const answer = await howdah('monitor').call('temporary_files', { limit: 500, max_session_size: 1_000_000 });
      expect(answer.rows.find((row) => row['pid'] === pid)).toMatchObject({
        tablespace: 'pg_default',
        is_running: true,
        backend_type: 'client backend',
        user: 'postgres',
        database: clone().name,
        application: 'reporting',
        statement: 'select $1 as last',
        statement_s: null, // it is idle
      });
      expect(Number(answer.rows.find((row) => row['pid'] === pid)?.['size'])).toBeGreaterThan(2_000_000);
      expect(JSON.stringify(answer)).not.toContain(secret);
      expect(answer.findings).toContainEqual(
        expect.objectContaining({
          severity: 'warning',
          object: `pid ${pid}`,
          next_step: expect.stringMatching(new RegExp(`^SELECT pid, .*WHERE pid IN \\(${pid}\\)`)),
        }),
      );
      expect(answer.findings.map(({ object }) => object)).toContain('"temp_file_limit"');
      const calm = await howdah('monitor').call('temporary_files', { limit: 500 });
      expect(calm.findings).toEqual([]);
    });
  });

  it('counts them by database and by statement, in bytes and milliseconds', async () => {
    await runAs(
      clone().superuserUrl,
      'set work_mem = 64',
      'select count(*) as spilled from (select generate_series(1, 300000) order by 1) s',
    );
    await untilCounted(
      clone().superuserUrl,
      `(select temp_bytes > 3000000 from pg_stat_database where datname = current_database())`,
    );
    const look = async () => {
      const [known] = await runAs(
        clone().superuserUrl,
        `select temp_files::integer, temp_bytes::float8 as temp_size from pg_stat_database where datname = current_database()`,
      );
      const answer = await howdah('monitor').call('temporary_files', { limit: 500 });
      return { known, answer, row: listOf(answer, 'databases').find(({ database }) => database === clone().name) };
    };
    // a session of before may be counted between the two
    await expect
      .poll(
        async () => {
          const { known, row } = await look();
          return row?.['temp_files'] === known?.['temp_files'];
        },
        { timeout: 15_000 },
      )
      .toBe(true);
    const { known, answer, row: counted } = await look();
    expect(counted).toMatchObject({
      ...known,
      ...(cluster.major < 15 && { size_per_hour: null }), // counted for less than an hour
      counted_since: expect.stringMatching(/Z$/),
    });
    const statement = listOf(answer, 'statements').find(
      (row) => row['database'] === clone().name && String(row['statement']).includes('as spilled'),
    );
    expect(statement).toMatchObject({
      user: 'postgres',
      calls: 1,
      statement: expect.stringContaining('generate_series($1, $2)'),
    });
    expect(Number(statement?.['written_size'])).toBeGreaterThan(3_000_000);
    expect(statement?.['written_per_call']).toBe(statement?.['written_size']);
    expect(statement?.['temp_io_ms'] === null).toBe(cluster.major < 15);
    expect(Number(statement?.['temp_io_ms'])).toBeLessThan(10_000);
    expect(Object.fromEntries(listOf(answer, 'settings').map(({ name, value }) => [name, value]))).toMatchObject({
      work_mem: '4MB',
      temp_file_limit: '-1',
      log_temp_files: '-1',
    });
    expect(answer).not.toHaveProperty('not_examined');
  });

  it('tells a plain role what it cannot see', async () => {
    const answer = await howdah('plain').call('temporary_files');
    expect((answer.not_examined ?? []).map(({ what }) => what)).toEqual([
      'temporary files there are now',
      'texts of other roles’ statements',
    ]);
    expect(answer).toMatchObject({ rows: [], truncated: false });
    expect(listOf(answer, 'databases').length).toBeGreaterThan(0);
  });

  it('does without statements where the extension is missing', async () => {
    const answer = await howdah('monitor').call('temporary_files', { database: 'postgres' });
    expect(answer.not_examined).toEqual([
      expect.objectContaining({
        what: 'temporary files by statement',
        remedy: expect.stringContaining('CREATE EXTENSION pg_stat_statements;'),
      }),
    ]);
  });

  it('does not take a value of its own login for that of the server', async () => {
    const name = clone().name;
    await runAs(clone().superuserUrl, `alter role monitor in database ${name} set temp_file_limit = '1GB'`);
    const own = await openNarrowHowdah(clone().monitorUrl, name);
    try {
      const answer = await own.call('temporary_files');
      expect(listOf(answer, 'settings')).toContainEqual({
        name: 'temp_file_limit',
        value: null,
        source: 'database user',
      });
      expect((answer.not_examined ?? []).map(({ what }) => what)).toContain('temp_file_limit of other roles');
    } finally {
      await own.close();
      await runAs(clone().superuserUrl, `alter role monitor in database ${name} reset temp_file_limit`);
    }
  });

  it('shows no session, database or statement that the persona does not open', async () => {
    const other = await cloneDatabase(cluster);
    const narrow = await openNarrowHowdah(clone().monitorUrl, clone().name);
    try {
      await withSession(other.superuserUrl, async (session) => {
        for (const statement of SPILL) await session.query(statement);
        const answer = await narrow.call('temporary_files', { limit: 500, max_session_size: 1 });
        expect(JSON.stringify(answer)).not.toContain(other.name);
        expect(answer.not_examined?.[0]).toMatchObject({ reason: 'The persona "narrow" does not open them.' });
      });
    } finally {
      await narrow.close();
      await other.drop();
    }
  });

  it('tells files that a crash left', async () => {
    const file = '99999999.0';
    const path = `base/pgsql_tmp/pgsql_tmp${file}`;
    await onServer(clone().superuserUrl, `mkdir -p base/pgsql_tmp && echo left > ${path}`);
    try {
      // it may be of a session that began while we looked
      const young = await howdah('monitor').call('temporary_files', { limit: 500 });
      expect(young.rows.find(({ pid }) => pid === 99_999_999)).toBeUndefined();
      await onServer(clone().superuserUrl, `touch -d '2 minutes ago' ${path}`);
      const answer = await howdah('monitor').call('temporary_files', { limit: 500 });
      expect(answer.rows.find(({ pid }) => pid === 99_999_999)).toMatchObject({
        is_running: false,
        files: 1,
        size: 5,
        database: null,
      });
    } finally {
      await onServer(clone().superuserUrl, `rm ${path}`);
    }
  });
});

describeEachStandby('temporary_files of a standby', (cluster) => {
  const clone = useClone(cluster);
  const standby = useHowdah(() => clone().standby ?? clone());

  it('are its own', async () => {
    await withSession(clone().standby?.superuserUrl ?? '', async (session) => {
      for (const statement of SPILL) await session.query(statement);
      const answer = await standby('monitor').call('temporary_files', { limit: 500 });
      expect(answer.rows.some(({ database }) => database === clone().name)).toBe(true);
    });
  });
});
