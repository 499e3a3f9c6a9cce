import { Buffer } from 'node:buffer';
import { expect, it } from 'vitest';
import { renderAnswer } from '../../src/render/answer.ts';
import { openHowdah, runAs } from '../postgres/platform.ts';
import { withSeparateServer } from '../postgres/separate-server.ts';

const ROLES = 2000;
const TABLES = 10_000;
/** In one transaction, each of which takes locks. */
const BATCH = 2000;

const each = (from: number, to: number, ...commands: readonly string[]) =>
  `do $$ begin for i in ${from}..${to} loop ${commands.join(' ')} end loop; end $$`;
/** Of every nth, a command with its number in each `%1$s`. */
const every = (n: number, command: string) => `if i % ${n} = 0 then execute format('${command}', i); end if;`;

function populate(): string[] {
  const batches = Array.from({ length: TABLES / BATCH }, (_, n) => n * BATCH);
  return [
    each(1, ROLES, every(1, 'create role r_%1$s login')),
    // each role in one of twenty groups, which are in one
    each(21, ROLES, `execute format('grant r_%s to r_%s', 1 + i % 20, i);`),
    each(2, 20, `execute format('grant r_1 to r_%s', i);`),
    'grant pg_write_all_data to r_1',
    ...batches.map((from) =>
      each(
        from + 1,
        from + BATCH,
        every(1, 'create table t_%1$s (id integer, n integer)'),
        every(10, 'grant select, update (n) on t_%1$s to r_7'),
        every(500, 'grant insert on t_%1$s to public'),
        every(100, 'alter table t_%1$s enable row level security'),
        every(100, 'create policy p on t_%1$s using (id = 1)'),
        every(100, 'create view v_%1$s as select * from t_%1$s'),
        every(100, 'grant select on v_%1$s to r_5'),
        every(20, `create function f_%1$s() returns integer language sql security definer as ''select 1''`),
      ),
    ),
    'analyze',
  ];
}

it('answers briefly and soon about 2,000 roles and 10,000 tables', async () => {
  await withSeparateServer({ max_locks_per_transaction: '256' }, async (_, url) => {
    await runAs(url, ...populate());
    const howdah = await openHowdah(url);
    const calls: [string, Record<string, unknown>][] = [
      ['security_audit', {}],
      ['roles', {}],
      ['privileges', {}],
      ['privileges', { role: 'r_2000' }],
      ['privileges', { table: 't_10', role: 'r_7' }],
      ['row_security', {}],
      ['security_definer_functions', {}],
      ['encrypted_connections', {}],
      ['hba_rules', {}],
      ['configuration_review', {}],
    ];
    for (const [tool, input] of calls) {
      const started = performance.now();
      const outcome = await howdah.attempt(tool, input);
      const seconds = (performance.now() - started) / 1000;
      const text = outcome.ok ? renderAnswer(outcome.operation, outcome.output, { maxRows: 20 }) : '';
      const bytes = Buffer.byteLength(text);
      const measured = `${tool} ${JSON.stringify(input)}: ${seconds.toFixed(1)} s, ${bytes} bytes`;
      // five times the two seconds that it may take
      expect([measured, outcome.ok, seconds < 10, bytes < 8192]).toEqual([measured, true, true, true]);
    }
    const audit = await howdah.call('security_audit');
    expect(audit.findings.map(({ claim }) => claim)).toEqual(
      expect.arrayContaining([
        'Everybody who can log in may change 20 tables.',
        expect.stringMatching(/^500 SECURITY DEFINER functions/),
        '100 views or functions read tables past their policies.',
        '2000 roles may change every row of every table, as members of pg_write_all_data.',
      ]),
    );
    expect(await howdah.call('roles')).toMatchObject({ total: ROLES + 3, truncated: true });
    await howdah.close();
  });
}, 180_000);
