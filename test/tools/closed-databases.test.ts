/** Of a busy server whose other databases are closed to the caller, what is theirs takes no place away. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { useClone } from '../postgres/clone.ts';
import { describeEachMajor } from '../postgres/each-major.ts';
import { openNarrowHowdah, runAs, type Howdah, type Row } from '../postgres/platform.ts';
import { withSessions } from '../postgres/sessions.ts';

describeEachMajor('a caller who may see one database', (cluster) => {
  const clone = useClone(cluster, 'fixture_ext');
  let howdah: Howdah;
  beforeAll(async () => {
    howdah = await openNarrowHowdah(clone().superuserUrl, clone().name);
  });
  afterAll(() => howdah.close());

  /** Of one row: it says that there are others. */
  const first = async (tool: string, input: Record<string, unknown> = {}) => {
    const answer = await howdah.call(tool, { limit: 1, ...input });
    expect(answer.not_examined).toContainEqual(
      expect.objectContaining({ what: expect.stringMatching(/^\d+ rows? of other databases/) }),
    );
    return answer;
  };
  const pidIn = async (tool: string, input: Record<string, unknown> = {}) =>
    (await first(tool, input)).rows.map(({ pid }) => pid);

  it('sees its own sessions behind older ones of others, and what is the matter with them', async () => {
    const { superuserUrl } = clone();
    await withSessions([cluster.superuserUrl, cluster.superuserUrl, superuserUrl], async (sessions, pids) => {
      for (const session of sessions) {
        await session.query('begin');
        await session.query('select txid_current()');
      }
      const own = pids[2];
      expect(await pidIn('activity', { state: 'idle in transaction' })).toEqual([own]);
      expect(await pidIn('long_transactions', { min_age_s: 0 })).toEqual([own]);
      expect(await pidIn('xmin_holders')).toEqual([own]);
      expect(await pidIn('locks', { locktype: 'transactionid' })).toEqual([own]);
      const overview = await first('server_overview', { long_transaction_s: 0 });
      expect((overview['oldest_transaction'] as Row)['pid']).toBe(own);
      expect(overview.findings).toContainEqual(expect.objectContaining({ object: `pid ${own}` }));
      expect((overview['databases'] as Row[]).map(({ database }) => database)).toEqual([clone().name]);
    });
  });

  it('sees its own statements behind those of others', async () => {
    await runAs(clone().superuserUrl, 'select 20261130 as mine');
    const answer = await howdah.call('top_statements', { limit: 1 });
    expect(answer.rows.map(({ database }) => database)).toEqual([clone().name]);
    expect(answer.truncated).toBe(true);
    expect(answer).not.toHaveProperty('total');
    expect(answer.not_examined).toContainEqual(
      expect.objectContaining({ what: expect.stringMatching(/of other databases/) }),
    );
  });
});
