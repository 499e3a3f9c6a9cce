/** No name that somebody chose becomes SQL, or a line of a diagram, in what the tools of schemas answer. */
import { describe, expect, it } from 'vitest';
import { quoteIdentifier } from '../../src/tools/kit/index.ts';
import { useClone } from '../postgres/clone.ts';
import { newestCluster } from '../postgres/each-major.ts';
import { runAs, useHowdah } from '../postgres/platform.ts';

/** Ends a comment by its line break, and would end a quoted name or constant that is not quoted well. */
const PLANTED = `x"'\n; DROP TABLE planted; --`;
const name = (prefix: string) => quoteIdentifier(`${prefix}${PLANTED}`);
const table = (prefix: string) => `${name('s')}.${name(prefix)}`;

/** What PostgreSQL would run: without names, constants and comments. */
function runnable(statements: string): string {
  return statements.replaceAll(/\bE'(?:[^'\\]|''|\\.)*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n\r]*/gs, ' ');
}

describe('hostile names of a schema', () => {
  const clone = useClone(newestCluster());
  const howdah = useHowdah(clone);

  it('stay names', async () => {
    await runAs(
      clone().superuserUrl,
      `create schema ${name('s')}`,
      `create table ${table('t')} (${name('id')} integer, ${name('v')} text)`,
      `insert into ${table('t')} select g from generate_series(1, 1000) g`,
      `analyze ${table('t')}`,
      `create table ${table('u')} (${name('id')} integer not null constraint ${name('u_key')} unique)`,
      `create publication ${name('pub')} for table ${table('u')}`,
      `create table ${table('r')} (${name('ref')} integer references ${table('u')} (${name('id')}), ${name('n')} integer)`,
      `alter table ${table('r')} disable trigger all`,
      `alter table ${table('r')} add constraint ${name('c')} check (${name('n')} > 0) not valid`,
      `create domain ${table('d')} as integer`,
      `alter domain ${table('d')} add constraint ${name('dc')} check (value > 0) not valid`,
      `create function ${table('f')}() returns trigger language plpgsql as 'begin return new; end'`,
      `create trigger ${name('tr')} before update on ${table('t')} for each row execute function ${table('f')}()`,
      `alter table ${table('t')} disable trigger ${name('tr')}`,
      `create rule ${name('ru')} as on delete to ${table('t')} do instead nothing`,
      `alter table ${table('t')} disable rule ${name('ru')}`,
      `create collation ${table('co')} (provider = icu, locale = 'de')`,
      `create index ${name('i')} on ${table('t')} (${name('v')} collate ${table('co')})`,
      `update pg_collation set collversion = '0' where collname like 'co%'`,
      `create table ${table('p')} (${name('at')} date primary key) partition by range (${name('at')})`,
      `create table ${table('p1')} partition of ${table('p')} for values from (current_date - 1) to (current_date)`,
      `create table ${table('pd')} partition of ${table('p')} default`,
      `insert into ${table('p')} values (current_date + 5)`,
      `create table ${table('q')} (${name('a')} integer) partition by range (${name('a')})`,
      ...[0, 1, 2].map(
        (n) => `create table ${table(`q${n}`)} partition of ${table('q')} for values from (${n}0) to (${n}5)`,
      ),
      ...[0, 1].map((n) => `create index ${name(`qi${n}`)} on ${table(`q${n}`)} (${name('a')})`),
      `update pg_inherits set inhdetachpending = true where inhrelid = (select oid from pg_class where relname like 'q2%')`,
      'drop extension pg_stat_statements',
      `create extension pg_stat_statements schema ${name('s')} version '1.4'`,
    );
    const steps: string[] = [];
    for (const tool of [
      'tables_without_primary_key',
      'unvalidated_constraints',
      'collation_versions',
      'partition_problems',
      'extensions',
    ]) {
      const { findings } = await howdah('monitor').call(tool);
      expect([tool, findings.length > 0]).toEqual([tool, true]);
      steps.push(...findings.flatMap(({ next_step }) => next_step ?? []));
    }
    expect(steps.filter((step) => step.includes('DROP TABLE planted')).length).toBeGreaterThan(8);
    for (const step of steps) expect(runnable(step)).not.toMatch(/planted/);
  });

  it('end no line of a diagram', async () => {
    const { diagram } = await howdah('monitor').call('foreign_keys', { table: table('r') });
    expect(String(diagram).split('\n')).toEqual([
      'erDiagram',
      expect.stringMatching(/^ {2}"[^"]+" \}o--o\| "[^"]+" : "[^"]+"$/),
    ]);
  });
});
