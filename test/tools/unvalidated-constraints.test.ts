import { expect, it } from 'vitest';
import { describeEachMajor } from '../postgres/each-major.ts';
import { loginsOf, runAs, useHowdah, withSession } from '../postgres/platform.ts';
import { fieldsOf, followToTheEnd } from './advice.ts';
import { useCloneWith } from './schema-fixture.ts';

describeEachMajor('unvalidated_constraints', (cluster) => {
  const clone = useCloneWith(cluster, 'schema');
  const howdah = useHowdah(clone);
  const call = (input = {}) => howdah('plain').call('unvalidated_constraints', input);

  it.each(loginsOf(cluster))('names what is not in force, once each, and nothing that is, for %s', async (login) => {
    const answer = await howdah(login).call('unvalidated_constraints');
    expect(fieldsOf(answer, 'table', 'kind', 'name', 'state', 'disabled_triggers')).toEqual([
      ['triggered', 'rule', 'ignored', 'disabled', 0],
      ['triggered', 'trigger', 'on change', 'disabled', 1],
      ['unchecked', 'foreign key', 'unchecked_id_fkey', 'disabled', 2],
      ['child', 'check', 'positive', 'not valid', 0],
      ['child', 'foreign key', 'to parent', 'not valid', 0],
      ['small', 'domain check', 'at_most_9', 'not valid', 0],
    ]);
    expect(answer).toMatchObject({ total: 6, truncated: false });
    expect(answer.rows[4]).toMatchObject({
      definition: 'FOREIGN KEY (parent_id) REFERENCES lax.parent(id) NOT VALID',
      columns: ['parent_id'],
      referenced_schema: 'lax',
      referenced_table: 'parent',
      referenced_columns: ['id'],
      enable: [],
    });
  });

  it('says what each means, the most urgent first', async () => {
    const { findings } = await call();
    expect(findings.map(({ severity, claim }) => `${severity}: ${claim}`)).toEqual([
      'warning: The foreign key "unchecked_id_fkey" of "lax"."unchecked" is not checked: triggers that check it are disabled.',
      'warning: The trigger "on change" of "lax"."triggered" is disabled.',
      'notice: The constraint "positive" of "lax"."child" was never checked against the rows that were there before.',
      'notice: The constraint "to parent" of "lax"."child" was never checked against the rows that were there before.',
      'notice: The constraint "at_most_9" of "lax"."small" was never checked against the rows that were there before.',
      'notice: The rule "ignored" of "lax"."triggered" is disabled.',
    ]);
    for (const table of ['child', 'triggered']) {
      const described = await howdah('plain').call('describe_table', { table: `lax.${table}` });
      const same = findings.filter(({ object, claim }) => object === `"lax"."${table}"` && !claim.includes('rule'));
      expect(same).not.toEqual([]);
      expect(described.findings).toEqual(expect.arrayContaining(same));
    }
    expect(findings[3]?.next_step).toBe(
      'ALTER TABLE "lax"."child" VALIDATE CONSTRAINT "to parent"; -- reads the table once, beside reads and writes (SHARE UPDATE EXCLUSIVE, and ROW SHARE on the other table)',
    );
  });

  it('finds the rows that a key was not checked for', async () => {
    const url = clone().superuserUrl;
    await runAs(url, 'insert into lax.unchecked values (7)'); // nothing has the id 7
    const [finding] = (await call()).findings;
    const look = finding?.next_step?.split('\n').at(-1) ?? '';
    expect(await runAs(url, look)).toEqual([{ id: 7 }]);
    await runAs(url, 'delete from lax.unchecked');
  });

  it('tells deferrable keys whose triggers are disabled', async () => {
    const url = clone().superuserUrl;
    await runAs(url, 'alter table lax.child disable trigger all');
    const answer = await call({ schema: 'lax' });
    expect(fieldsOf(answer, 'kind', 'name', 'state')).toContainEqual(['unique', 'child_n_key', 'disabled']);
    // disabled it is, and never valid before
    expect(fieldsOf(answer, 'name', 'state').filter(([name]) => name === 'to parent')).toEqual([
      ['to parent', 'disabled'],
      ['to parent', 'not valid'],
    ]);
    await runAs(url, 'alter table lax.child enable trigger all');
  });

  it('answers at once while tables are locked, without what would wait', async () => {
    await withSession(clone().superuserUrl, async (session) => {
      await session.query('begin');
      await session.query('lock table lax.child, lax.triggered in access exclusive mode');
      const startedAt = performance.now();
      const answer = await call();
      expect(performance.now() - startedAt).toBeLessThan(1000);
      expect(answer.total).toBe(6);
      expect(answer.findings).toHaveLength(6);
      expect(answer.not_examined).toEqual([expect.objectContaining({ what: 'the definitions of 3 of them' })]);
    });
  });

  it('is content when the advice was followed', async () => {
    const { findings } = await call();
    for (const finding of findings) await followToTheEnd(clone().superuserUrl, finding);
    expect(await call()).toMatchObject({ findings: [], rows: [], total: 0 });
  });

  it.runIf(cluster.major >= 18)('knows NOT ENFORCED and NOT NULL that is not valid', async () => {
    await runAs(
      clone().superuserUrl,
      'create table lax.declared (a integer, constraint said check (a > 0) not enforced, b integer)',
      'alter table lax.declared add constraint b_there not null b not valid',
      'create table lax.refers (id integer constraint to_nothing references lax.parent not enforced)',
    );
    const answer = await call({ schema: 'lax' });
    expect(fieldsOf(answer, 'kind', 'name', 'state')).toEqual([
      ['check', 'said', 'not enforced'],
      ['foreign key', 'to_nothing', 'not enforced'],
      ['not null', 'b_there', 'not valid'],
    ]);
    expect(answer.findings.map(({ claim }) => claim)).toEqual([
      'The constraint "b_there" of "lax"."declared" was never checked against the rows that were there before.',
      'The constraint "said" of "lax"."declared" is not enforced.',
      'The constraint "to_nothing" of "lax"."refers" is not enforced.',
    ]);
    const table = await howdah('plain').call('describe_table', { table: 'lax.refers' });
    expect(table.findings.map(({ claim }) => claim)).toContain(
      'The constraint "to_nothing" of "lax"."refers" is not enforced.',
    );
    expect(table.findings.map(({ claim }) => claim).join()).not.toContain('never checked');
  });
});
