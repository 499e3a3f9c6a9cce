/** No name that somebody chose becomes SQL in what an answer advises. */
import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { tools } from '../../src/tools/all-tools.ts';
import { quoteIdentifier, quoteLiteral } from '../../src/tools/kit/index.ts';
import { useClone } from '../postgres/clone.ts';
import { describeSomeMajors } from '../postgres/each-major.ts';
import { runAs, useHowdah, withSession, type Answer } from '../postgres/platform.ts';
import { startStatement, useClusterAlone, waitingForLock } from '../postgres/sessions.ts';
import { inputFor, isAnswer } from './tool-inputs.ts';

/** Ends a comment by its line break, and would end a quoted name or constant that is not quoted well. */
const PLANTED = `x"'\n; DROP TABLE planted; --`;
const name = (prefix: string) => quoteIdentifier(`${prefix}${PLANTED}`);

/** What PostgreSQL would run: without names, constants and comments. */
function runnable(statements: string): string {
  return statements.replaceAll(/\bE'(?:[^'\\]|''|\\.)*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n\r]*/gs, ' ');
}

/** All that an answer would have somebody run. */
function advised({ findings = [], not_examined = [] }: Partial<Answer>): string[] {
  return [...findings.map(({ next_step }) => next_step ?? ''), ...not_examined.map(({ remedy }) => remedy ?? '')];
}

describeSomeMajors('hostile names', (cluster) => {
  useClusterAlone(cluster);
  const clone = useClone(cluster);
  const howdah = useHowdah(clone);

  it('stay names in the next steps of every tool', async () => {
    const url = clone().superuserUrl;
    const table = `${name('s')}.${name('t')}`;
    await runAs(
      url,
      `create schema ${name('s')}`,
      `create table ${table} (${name('id')} smallserial primary key, ${name('v')} integer) with (autovacuum_enabled = off)`,
      `insert into ${table} (${name('v')}) select 1 from generate_series(1, 30000)`,
      `create index ${name('a')} on ${table} (${name('v')})`,
      `create index ${name('b')} on ${table} (${name('v')})`,
      `create table ${name('s')}.${name('r')} (a smallint references ${table})`,
      `create table ${name('s')}.${name('p')} (a integer) partition by range (a)`,
      `create table ${name('s')}.${name('p1')} partition of ${name('s')}.${name('p')} for values from (0) to (9)`,
      `create index ${name('pi')} on only ${name('s')}.${name('p')} (a)`,
    );
    await runAs(url, `create unique index concurrently ${name('u')} on ${table} (${name('v')})`).catch(() => undefined);
    await runAs(url, `update ${table} set ${name('v')} = ${name('v')}`, `delete from ${table}`);
    await runAs(url, 'create extension pgstattuple');
    await runAs(url, `analyze ${table}`, `create index ${name('e')} on ${table} (abs(${name('v')}))`);
    const steps: string[] = [];
    const calls: [string, Record<string, unknown>][] = [
      ['invalid_indexes', {}],
      ['duplicate_indexes', {}],
      ['unused_indexes', { min_size: 0 }],
      ['foreign_keys_without_index', {}],
      ['sequence_exhaustion', { warn_percent: 1 }],
      ['autovacuum_status', { overdue_percent: 100, min_rows: 1 }],
      ['table_sizes', { min_size: 0, max_index_percent: 1, max_toast_percent: 0 }],
      ['list_tables', {}],
      ['describe_table', { table }],
      ['hot_updates', { min_updates: 1, min_hot_percent: 100 }],
      ['sequential_scans', { min_size: 0, min_scans_per_day: 0, min_rows: 0 }],
      ['stale_statistics', { min_rows: 0 }],
      ['vacuum_history', { min_rows: 1 }],
      ['table_bloat', { min_size: 0, min_wasted: 0, max_percent: 0 }],
      ['index_bloat', { min_size: 0, min_wasted: 0, max_percent: 0 }],
      ['index_bloat', { min_size: 0, min_wasted: 0, max_percent: 0, exact: true }],
    ];
    calls.push(...tools.map((tool): [string, Record<string, unknown>] => [tool.name, { ...inputFor(tool.name) }]));
    for (const [tool, input] of calls) {
      const outcome = await howdah('superuser').attempt(tool, input);
      expect({ tool, outcome: isAnswer(outcome) || outcome }).toEqual({ tool, outcome: true });
      if (outcome.ok) steps.push(...advised(outcome.output as Partial<Answer>));
    }
    expect(steps.filter((step) => step.includes('DROP TABLE planted')).length).toBeGreaterThan(5);
    for (const step of steps) expect(runnable(step)).not.toMatch(/planted/);
  });

  it('stay names where a prepared transaction of such a database blocks', async () => {
    const mark = randomBytes(4).toString('hex');
    const database = `${mark}${PLANTED}`;
    const gid = `${mark}\\${PLANTED}`;
    await runAs(clone().superuserUrl, `create database ${quoteIdentifier(database)} template template0`);
    const there = clone().superuserUrl.replace(/[^/]*$/, encodeURI(database));
    try {
      await withSession(there, async (waiter) => {
        await runAs(
          there,
          'create table held ()',
          'begin',
          'lock table held in access exclusive mode',
          `prepare transaction ${quoteLiteral(gid)}`,
        );
        const { rows } = await waiter.query<{ pid: number }>('select pg_backend_pid() as pid');
        startStatement(waiter, 'select from held');
        await withSession(clone().superuserUrl, (observer) => waitingForLock(observer, rows[0]?.pid ?? 0));
        const answers = [
          await howdah('monitor').call('blocking_tree', {}),
          await howdah('monitor').call('autovacuum_status', { max_xmin_age: 0 }),
        ];
        const steps = answers.flatMap(({ findings }) => findings.flatMap(({ next_step }) => next_step ?? []));
        expect(steps.join()).toContain(`E'${mark}`);
        for (const step of steps) expect(runnable(step)).not.toMatch(/planted/);
        await runAs(there, `rollback prepared ${quoteLiteral(gid)}`);
      });
    } finally {
      await runAs(there, `rollback prepared ${quoteLiteral(gid)}`).catch(() => undefined);
      await runAs(clone().superuserUrl, `drop database if exists ${quoteIdentifier(database)}`);
    }
  });
});
