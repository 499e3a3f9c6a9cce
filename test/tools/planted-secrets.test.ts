/** Secrets that somebody planted wherever a diagnostic looks: none is in any answer, nor in the audit log. */
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { tools } from '../../src/tools/all-tools.ts';
import { useClone } from '../postgres/clone.ts';
import { describeSomeMajors } from '../postgres/each-major.ts';
import { runSql } from '../postgres/instance.ts';
import { runAs, useHowdah, withSession } from '../postgres/platform.ts';
import { useClusterAlone } from '../postgres/sessions.ts';
import { inputFor } from './tool-inputs.ts';

const secret = (where: string) => `s3cret-${where}-${randomBytes(6).toString('hex')}`;

/** A setting of an extension, which ALTER SYSTEM takes only while the extension is loaded. */
function isCustom(name: string): boolean {
  return name.includes('.');
}

/** Inputs that make a tool tell more than it does by itself. */
function talkative(tool: (typeof tools)[number]): Record<string, unknown> {
  const shape = tool.input.shape;
  const wishes: Record<string, unknown> = { limit: 500, statement_length: 10_000, background: true, idle: true };
  const more = Object.entries(wishes).filter(([name]) => name in shape);
  return { ...Object.fromEntries(more), ...inputFor(tool.name) };
}

describeSomeMajors('secrets that somebody planted', (cluster) => {
  useClusterAlone(cluster);
  const clone = useClone(cluster);
  const howdah = useHowdah(clone);
  const mark = randomBytes(4).toString('hex');
  const planted: string[] = [];
  const plant = (where: string) => {
    const each = secret(where);
    planted.push(each);
    return each;
  };
  const settings: Record<string, string> = {
    archive_command: `AWS_SECRET_ACCESS_KEY=${plant('archive')} wal-push %p`,
    ...(cluster.major >= 13 && { primary_conninfo: `host=db user=rep password=${plant('primary')}` }),
    ...(cluster.major >= 14 && { restore_command: `curl -u backup:${plant('restore')} https://wal/%f -o %p` }),
    [`planted${mark}.api_key`]: plant('custom'),
  };
  const setSql = (name: string, value: string) =>
    isCustom(name)
      ? `alter database "${clone().name}" set ${name} = '${value}'`
      : `alter system set ${name} = '${value}'`;

  beforeAll(async () => {
    const { superuserUrl } = clone();
    for (const [name, value] of Object.entries(settings)) await runAs(superuserUrl, setSql(name, value));
    await runAs(
      superuserUrl,
      'select pg_reload_conf()',
      'create extension postgres_fdw',
      `create server planted_${mark} foreign data wrapper postgres_fdw options (host 'db', application_name 'password=${plant('server')}')`,
      `create user mapping for public server planted_${mark} options (user 'u', password '${plant('mapping')}')`,
      `create subscription planted_${mark} connection 'host=db password=${plant('subscription')}' publication p with (connect = false, slot_name = none)`,
      `create role planted_${mark} login password '${plant('role')}'`,
      `alter role planted_${mark} set planted${mark}.token = '${plant('role-setting')}'`,
      'create schema planted',
      `create table planted.account (id integer primary key, note text)`,
      `comment on table planted.account is 'see postgresql://loader:${plant('comment')}@db/shop'`,
      `comment on column planted.account.note is 'api_key=${plant('column')}'`,
      `create function planted.load() returns text language sql security definer as $$ select 'postgresql://f:${plant('function')}@db/x' $$`,
      `create view planted.remote as select 'postgresql://v:${plant('view')}@db/x' as address`,
      `create policy hidden on planted.account using (note <> 'password=${plant('policy')}')`,
      `alter table planted.account add constraint c check (note <> 'password=${plant('check')}')`,
      `alter table planted.account alter note set default 'password=${plant('default')}'`,
      `select count(*) from planted.account where note = '${plant('constant')}'`,
    );
    await runAs(superuserUrl, `select '${plant('failing')}'::int`).catch(() => undefined);
  });
  afterAll(async () => {
    for (const name of Object.keys(settings)) {
      if (!isCustom(name)) await runSql(cluster, 'postgres', `alter system reset ${name}`);
    }
    await runSql(cluster, 'postgres', 'select pg_reload_conf()');
    await runSql(cluster, clone().name, `drop subscription if exists planted_${mark}; drop owned by planted_${mark}`);
    await runSql(cluster, 'postgres', `drop role if exists planted_${mark}`);
  });

  it.each(['superuser', 'monitor'] as const)(
    'are in no answer to %s, and in no event',
    { timeout: 60_000 },
    async (login) => {
      const running = plant('running');
      const named = new URL(clone().superuserUrl);
      named.searchParams.set('application_name', `password=${plant('application')}`);
      const told = await withSession(named.href, async (session) => {
        const sleeping = session.query(`select pg_sleep(60), '${running}'`).catch(() => undefined);
        const outcomes: Record<string, unknown> = {};
        for (const tool of tools) outcomes[tool.name] = await howdah(login).attempt(tool.name, talkative(tool));
        await runAs(
          clone().superuserUrl,
          `select pg_cancel_backend(pid) from pg_stat_activity where datname = '${clone().name}' and query like 'select pg_sleep(60)%'`,
        );
        await sleeping;
        return outcomes;
      });
      const { auditDirectory } = howdah(login).platform;
      const events = readdirSync(auditDirectory).map((file) => readFileSync(join(auditDirectory, file), 'utf8'));
      const leaks = Object.entries({ ...told, 'the audit log': events }).flatMap(([where, text]) => {
        const shown = JSON.stringify(text);
        return planted.filter((each) => shown.includes(each)).map((each) => `${where}: ${each}`);
      });
      expect(leaks).toEqual([]);
      expect(JSON.stringify(told)).toContain('pg_sleep');
    },
  );
});
