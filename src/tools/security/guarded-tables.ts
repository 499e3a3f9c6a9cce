import { z } from 'zod';
import {
  byServerVersion,
  definePart,
  isOfExtension,
  isUserSchema,
  lockedRelations,
  matchesName,
  param,
  sql,
  type RowOf,
  type Sql,
} from '../kit/index.ts';
import { granteeName } from './held-roles.ts';

const schema = z.string().meta({ names: 'schema' });
const table = z.string().meta({ names: 'table' });
const text = z.string().nullable().meta({ names: 'text' });
const count = z.int().min(0);

/** Tables with row security, or with policies that wait for it, as far as the inputs `schema` and `name` ask for them. */
const guarded = sql`guarded as materialized (
        select c.oid, n.nspname, c.relname, c.relowner, c.relrowsecurity, c.relforcerowsecurity,
               (select pg_catalog.count(*) from pg_catalog.pg_policy p where p.polrelid = c.oid) as policies
          from pg_catalog.pg_class c
          join pg_catalog.pg_namespace n on n.oid = c.relnamespace
         where c.relkind in ('r', 'p') and ${isUserSchema(sql`n.nspname`)}
           and (c.relrowsecurity or c.oid in (select p.polrelid from pg_catalog.pg_policy p))
           and not ${isOfExtension(sql`'pg_catalog.pg_class'`, sql`c.oid`)}
           and (${param('schema')}::text is null or n.nspname = ${param('schema')}::text)
           and ${matchesName(sql`c.relname`, param('name'))}
      )`;
/** Those that something is wrong with, then by name. */
const ORDER = sql`g.relrowsecurity, g.nspname, g.relname`;

/** Findings are about so many; a list of tables is cut to the limit of the call. */
const MOST_ROWS = sql`5000`;

export const guardedTables = definePart({
  what: 'tables with row security',
  row: {
    schema,
    table,
    row_security: z.enum(['off', 'on', 'forced']).describe('Forced is for the owner, too.'),
    policies: count.describe('None on a table with row security: nobody but those who bypass it sees a row.'),
    commands: z.array(z.string()).describe('That policies are for; others are denied.'),
    owner: z.string(),
    owner_bypasses: z.boolean(),
    owner_login: z.boolean(),
    owner_superuser: z.boolean(),
    owner_sessions: count.describe('In this database.'),
    total_rows: z.int(),
  },
  sql: byServerVersion({
    12: sql`
      with ${guarded},
      sessions as (
        select a.usesysid as oid, pg_catalog.count(*) as sessions
          from pg_catalog.pg_stat_activity a
         where a.datname = pg_catalog.current_database() and a.pid <> pg_catalog.pg_backend_pid()
         group by a.usesysid
      )
      select g.nspname as schema, g.relname as table,
             case when not g.relrowsecurity then 'off' when g.relforcerowsecurity then 'forced' else 'on' end as row_security,
             g.policies,
             pg_catalog.to_json(array(
               select distinct case p.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete' else 'all' end
                 from pg_catalog.pg_policy p where p.polrelid = g.oid order by 1)) as commands,
             pg_catalog.pg_get_userbyid(g.relowner) as owner,
             coalesce(r.rolsuper or r.rolbypassrls, false) or not (g.relrowsecurity and g.relforcerowsecurity) as owner_bypasses,
             coalesce(r.rolcanlogin, false) as owner_login, coalesce(r.rolsuper, false) as owner_superuser,
             coalesce(s.sessions, 0) as owner_sessions, pg_catalog.count(*) over () as total_rows
        from guarded g
        left join pg_catalog.pg_roles r on r.oid = g.relowner
        left join sessions s on s.oid = g.relowner
       order by ${ORDER}
       limit ${MOST_ROWS}`,
  }),
});
export type GuardedTable = RowOf<typeof guardedTables>;

/** Written out only where nobody holds or awaits a lock on what they read, behind which that would wait. */
export const policies = definePart({
  what: 'policies',
  row: {
    schema,
    table,
    policy: z.string().meta({ names: 'policy' }),
    command: z.string(),
    permissive: z.boolean(),
    roles: z.array(z.string()),
    using: text,
    with_check: text,
    locked: z.boolean().describe('A lock keeps its expressions from us.'),
    total_rows: z.int(),
  },
  sql: byServerVersion({
    12: sql`
      with ${guarded},
      listed as materialized (
        select g.* from guarded g order by ${ORDER} limit ${param('limit')}
      ),
      locked as materialized (${lockedRelations}
      ),
      page as (
        select p.oid, g.nspname, g.relname, g.relrowsecurity, p.polname, p.polcmd, p.polpermissive, p.polroles, p.polqual, p.polwithcheck, p.polrelid,
               ${param('estimate_sizes')}::boolean or exists (
                 select from locked l
                  where l.oid = p.polrelid
                     or l.oid in (select d.refobjid from pg_catalog.pg_depend d
                                   where d.classid = 'pg_catalog.pg_policy'::regclass and d.objid = p.oid
                                     and d.refclassid = 'pg_catalog.pg_class'::regclass)) as locked,
               pg_catalog.count(*) over () as total_rows
          from listed g
          join pg_catalog.pg_policy p on p.polrelid = g.oid
         order by g.relrowsecurity, g.nspname, g.relname, p.polname
         limit ${param('limit')}
      )
      select p.nspname as schema, p.relname as table, p.polname as policy,
             case p.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete' else 'all' end as command,
             p.polpermissive as permissive,
             pg_catalog.to_json(array(
               select case when u.role = 0 then 'PUBLIC' else pg_catalog.pg_get_userbyid(u.role)::text end
                 from pg_catalog.unnest(p.polroles) u (role) order by 1)) as roles,
             case when not p.locked then pg_catalog.pg_get_expr(p.polqual, p.polrelid) end as using,
             case when not p.locked then pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid) end as with_check,
             p.locked, p.total_rows
        from page p
       order by p.relrowsecurity, p.nspname, p.relname, p.polname`,
  }),
});

/**
 * What reads such tables with the rights of somebody whom their policies do not hold.
 * https://www.postgresql.org/docs/current/rules-privileges.html: a view reads as its owner unless security_invoker says otherwise.
 */
const views = sql`
          select case v.relkind when 'm' then 'materialized_view' else 'view' end as kind, v.relnamespace as namespace, v.relname as name,
                 v.relowner as owner, coalesce(v.relacl, pg_catalog.acldefault('r', v.relowner)) as acl, d.refobjid as reads
            from pg_catalog.pg_depend d
            join pg_catalog.pg_rewrite w on w.oid = d.objid
            join pg_catalog.pg_class v on v.oid = w.ev_class and v.relkind in ('v', 'm')
           where d.classid = 'pg_catalog.pg_rewrite'::regclass and d.refclassid = 'pg_catalog.pg_class'::regclass
             and d.refobjid in (select g.oid from guarded g where g.relrowsecurity)
             and not exists (select from pg_catalog.unnest(v.reloptions) o (option)
                              where pg_catalog.split_part(o.option, '=', 1) = 'security_invoker'
                                and pg_catalog.split_part(o.option, '=', 2)::boolean)`;

/** Of functions that were written as SQL text or in another language the server does not know what they read. */
const functions = sql`
          union all
          select 'function', p.pronamespace, p.proname, p.proowner, coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner)), d.refobjid
            from pg_catalog.pg_depend d
            join pg_catalog.pg_proc p on p.oid = d.objid and p.prosecdef
           where d.classid = 'pg_catalog.pg_proc'::regclass and d.refclassid = 'pg_catalog.pg_class'::regclass
             and d.refobjid in (select g.oid from guarded g where g.relrowsecurity)`;

const bypassesWith = (readers: Sql) => sql`
      with ${guarded},
      readers as (${readers}
      ),
      exempt as (
        select r.kind, r.namespace, r.name, r.owner, pg_catalog.quote_ident(g.nspname) || '.' || pg_catalog.quote_ident(g.relname) as reads,
               array(select distinct ${granteeName(sql`a.grantee`)}
                       from pg_catalog.aclexplode(r.acl) a
                      where a.grantee <> r.owner and a.privilege_type in ('SELECT', 'EXECUTE')
                      order by 1 limit 5) as open_to,
               case when o.rolsuper then 'superuser' when o.rolbypassrls then 'bypassrls' else 'owner' end as because
          from readers r
          join guarded g on g.oid = r.reads
          join pg_catalog.pg_roles o on o.oid = r.owner
         where o.rolsuper or o.rolbypassrls or r.kind = 'materialized_view'
            or not g.relforcerowsecurity and pg_catalog.pg_has_role(r.owner, g.relowner, 'USAGE')
      ),
      grouped as (
        select e.kind, e.namespace, e.name, e.owner, e.open_to, pg_catalog.min(e.because) as because, pg_catalog.json_agg(distinct e.reads) as reads
          from exempt e
         group by e.kind, e.namespace, e.name, e.owner, e.open_to
      )
      select q.kind, n.nspname as schema, q.name as table, pg_catalog.pg_get_userbyid(q.owner) as owner,
             case q.kind when 'materialized_view' then 'stored rows' else q.because end as because, q.reads,
             pg_catalog.to_json(q.open_to) as open_to, pg_catalog.count(*) over () as total_rows
        from grouped q
        join pg_catalog.pg_namespace n on n.oid = q.namespace and ${isUserSchema(sql`n.nspname`)}
       order by q.open_to = '{}', q.kind, n.nspname, q.name
       limit ${MOST_ROWS}`;

export const bypasses = definePart({
  what: 'views and functions that bypass row security',
  row: {
    kind: z.enum(['view', 'materialized_view', 'function']),
    schema,
    table: table.describe('The view or function.'),
    owner: z.string(),
    because: z
      .enum(['superuser', 'bypassrls', 'owner', 'stored rows'])
      .describe('Whose rights it reads with: of a superuser, of one who bypasses policies, of the owner of the table.'),
    reads: z.array(z.string()),
    open_to: z.array(z.string()).describe('Who else may read or call it; the first few.'),
    total_rows: z.int(),
  },
  sql: byServerVersion({ 12: bypassesWith(views), 14: bypassesWith(sql`${views}${functions}`) }),
});
export type Bypass = RowOf<typeof bypasses>;

const unparsedWith = (parsed: Sql) => sql`
      with ${guarded}
      select pg_catalog.count(*) as functions
        from pg_catalog.pg_proc p
        join pg_catalog.pg_namespace n on n.oid = p.pronamespace
        join pg_catalog.pg_roles o on o.oid = p.proowner
       where p.prosecdef and not ${parsed} and ${isUserSchema(sql`n.nspname`)}
         and not ${isOfExtension(sql`'pg_catalog.pg_proc'`, sql`p.oid`)}
         and exists (select from guarded g
                      where g.relrowsecurity and (o.rolsuper or o.rolbypassrls or g.relowner = p.proowner and not g.relforcerowsecurity))`;

/** Those of whose bodies the server knows only that they run with the rights of somebody whom policies do not hold. */
export const unparsed = definePart({
  what: 'functions that may bypass row security',
  row: { functions: count },
  sql: byServerVersion({ 12: unparsedWith(sql`false`), 14: unparsedWith(sql`p.prosqlbody is not null`) }),
});
