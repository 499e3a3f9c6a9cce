import { z } from 'zod';
import { byServerVersion, definePart, isUserSchema, sql, type RowOf, type Sql } from '../kit/index.ts';
import { granteeName } from './held-roles.ts';

const names = z.array(z.string());
const total_rows = z.int();

/** Of an option `o`, as `name=value`: whether its name, or its value, says that it holds a secret. */
const IS_SECRET = sql`(pg_catalog.split_part(o.option, '=', 1) ~* '(passw|pwd|passphrase|secret|token|credential|(access|account|api|auth|encryption|private|shared|storage)_?key$)'
                       or pg_catalog.substr(o.option, pg_catalog.strpos(o.option, '=') + 1) ~* '(://[^/@[:space:]]+:[^@[:space:]]+@|passw(or)?d[[:space:]]*=)')`;
const secretsIn = (options: Sql) =>
  sql`array(select pg_catalog.split_part(o.option, '=', 1) from pg_catalog.unnest(${options}) o (option) where ${IS_SECRET} order by 1)`;

/** Everybody may read these options; their values never leave the server. */
export const secretOptions = definePart({
  what: 'secrets in options of foreign servers and tables',
  row: {
    kind: z.enum(['foreign-data wrapper', 'foreign server', 'foreign table']),
    schema: z.string().nullable().meta({ names: 'schema' }),
    name: z.string().meta({ names: 'table' }),
    options: names.describe('Their names.'),
    total_rows,
  },
  sql: byServerVersion({
    12: sql`
      select f.kind, f.schema, f.name, pg_catalog.to_json(f.secrets) as options, pg_catalog.count(*) over () as total_rows
        from (
          select 'foreign-data wrapper' as kind, null::name as schema, w.fdwname as name, ${secretsIn(sql`w.fdwoptions`)} as secrets
            from pg_catalog.pg_foreign_data_wrapper w
          union all
          select 'foreign server', null, s.srvname, ${secretsIn(sql`s.srvoptions`)} from pg_catalog.pg_foreign_server s
          union all
          select 'foreign table', n.nspname, c.relname, ${secretsIn(sql`t.ftoptions`)}
            from pg_catalog.pg_foreign_table t
            join pg_catalog.pg_class c on c.oid = t.ftrelid
            join pg_catalog.pg_namespace n on n.oid = c.relnamespace
        ) f
       where f.secrets <> '{}'
       order by f.kind, f.schema, f.name
       limit 200`,
  }),
});

export const publicServers = definePart({
  what: 'foreign servers that everybody may use',
  row: {
    server: z.string(),
    owner: z.string(),
    usage: z.boolean().describe('PUBLIC may make user mappings and foreign tables for it.'),
    mapping: z.boolean().describe('Everybody connects with the credentials of one user mapping.'),
    total_rows,
  },
  sql: byServerVersion({
    12: sql`
      select q.*, pg_catalog.count(*) over () as total_rows
        from (
          select s.srvname as server, pg_catalog.pg_get_userbyid(s.srvowner) as owner,
                 exists (select from pg_catalog.aclexplode(s.srvacl) a where a.grantee = 0 and a.privilege_type = 'USAGE') as usage,
                 exists (select from pg_catalog.pg_user_mappings m where m.srvid = s.oid and m.umuser = 0) as mapping
            from pg_catalog.pg_foreign_server s
        ) q
       where q.usage or q.mapping
       order by q.server
       limit 200`,
  }),
});

export const untrustedLanguages = definePart({
  what: 'untrusted languages',
  row: {
    language: z.string(),
    functions: z.int().min(0),
    public_functions: z.int().min(0).describe('Of those, which PUBLIC may run.'),
    total_rows,
  },
  sql: byServerVersion({
    12: sql`
      select l.lanname as language,
             (select pg_catalog.count(*) from pg_catalog.pg_proc p where p.prolang = l.oid) as functions,
             (select pg_catalog.count(*) from pg_catalog.pg_proc p
               where p.prolang = l.oid
                 and exists (select from pg_catalog.aclexplode(coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))) a where a.grantee = 0)) as public_functions,
             pg_catalog.count(*) over () as total_rows
        from pg_catalog.pg_language l
       where not l.lanpltrusted and l.lanname not in ('c', 'internal')
       order by l.lanname
       limit 100`,
  }),
});

/** Their functions run with the rights of whoever gives the command, a superuser among others. */
export const eventTriggers = definePart({
  what: 'event triggers',
  row: {
    trigger: z.string().meta({ names: 'trigger' }),
    event: z.string(),
    enabled: z.boolean(),
    schema: z.string().meta({ names: 'schema' }),
    function: z.string().meta({ names: 'function' }),
    function_owner: z.string(),
    owner_superuser: z.boolean(),
    total_rows,
  },
  sql: byServerVersion({
    12: sql`
      select e.evtname as trigger, e.evtevent as event, e.evtenabled <> 'D' as enabled, n.nspname as schema, p.proname as function,
             pg_catalog.pg_get_userbyid(p.proowner) as function_owner, coalesce(o.rolsuper, false) as owner_superuser,
             pg_catalog.count(*) over () as total_rows
        from pg_catalog.pg_event_trigger e
        join pg_catalog.pg_proc p on p.oid = e.evtfoid
        join pg_catalog.pg_namespace n on n.oid = p.pronamespace
        left join pg_catalog.pg_roles o on o.oid = p.proowner
       order by owner_superuser, e.evtname
       limit 200`,
  }),
});

/** Settings that lead to files, programs or libraries of the machine, or switch checks off. */
const DANGEROUS_PARAMETER = sql`'(_command$|preload_libraries$|^dynamic_library_path$|^extension_control_path$|_file$|_keyfile$|_directory$|_directories$|^log_filename$|^allow_system_table_mods$|^zero_damaged_pages$|^ignore_checksum_failure$|^lo_compat_privileges$)'`;

/** https://www.postgresql.org/docs/current/catalog-pg-parameter-acl.html */
export const parameterGrants = definePart({
  what: 'rights to change settings',
  row: {
    parameter: z.string(),
    grantee: z.string(),
    everybody: z.boolean(),
    privileges: names,
    dangerous: z.boolean().describe('The setting leads to files, programs or libraries, or switches checks off.'),
    total_rows,
  },
  sql: byServerVersion({
    12: sql`
      select null::text as parameter, null::text as grantee, false as everybody, null::json as privileges, false as dangerous, 0 as total_rows
        from pg_catalog.pg_roles
       where false`,
    15: sql`
      select p.parname as parameter, ${granteeName(sql`a.grantee`)} as grantee, a.grantee = 0 as everybody,
             pg_catalog.json_agg(distinct a.privilege_type) as privileges, p.parname ~ ${DANGEROUS_PARAMETER} as dangerous,
             pg_catalog.count(*) over () as total_rows
        from pg_catalog.pg_parameter_acl p
       cross join lateral pg_catalog.aclexplode(p.paracl) a
        left join pg_catalog.pg_roles r on r.oid = a.grantee
       where not coalesce(r.rolsuper, false)
       group by p.parname, a.grantee
       order by dangerous desc, everybody desc, p.parname, 2
       limit 200`,
  }),
});

const subscriptionsWith = (runAsOwner: Sql) => sql`
      select s.subname as subscription, pg_catalog.pg_get_userbyid(s.subowner) as owner, coalesce(o.rolsuper, false) as owner_superuser,
             ${runAsOwner} as run_as_owner, s.subenabled as enabled, pg_catalog.count(*) over () as total_rows
        from pg_catalog.pg_subscription s
        left join pg_catalog.pg_roles o on o.oid = s.subowner
       where s.subdbid = (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database())
       order by s.subname
       limit 200`;

/** https://www.postgresql.org/docs/current/logical-replication-security.html */
export const subscriptionOwners = definePart({
  what: 'owners of subscriptions',
  row: {
    subscription: z.string(),
    owner: z.string(),
    owner_superuser: z.boolean(),
    run_as_owner: z
      .boolean()
      .describe('Changes are applied with the rights of its owner; before PostgreSQL 16 they always are.'),
    enabled: z.boolean(),
    total_rows,
  },
  sql: byServerVersion({ 12: subscriptionsWith(sql`true`), 16: subscriptionsWith(sql`s.subrunasowner`) }),
});

/** Counts of what is worth knowing and need not be wrong. */
export const securityCounts = definePart({
  what: 'roles and publications, counted',
  row: {
    login_roles: z.int(),
    groups: z.int(),
    never_expiring: z.int().describe('Roles that log in and whose password has no end.'),
    expired: z.int(),
    publications: z.int(),
    superuser_publications: z.int(),
    schemas: z.int(),
  },
  sql: byServerVersion({
    12: sql`
      select r.login_roles, r.groups, r.never_expiring, r.expired, p.publications, p.superuser_publications,
             (select pg_catalog.count(*) from pg_catalog.pg_namespace n where ${isUserSchema(sql`n.nspname`)}) as schemas
        from (
          select pg_catalog.count(*) filter (where r.rolcanlogin) as login_roles,
                 pg_catalog.count(*) filter (where not r.rolcanlogin and not pg_catalog.starts_with(r.rolname::text, 'pg_')) as groups,
                 pg_catalog.count(*) filter (where r.rolcanlogin and coalesce(r.rolvaliduntil, 'infinity') = 'infinity') as never_expiring,
                 pg_catalog.count(*) filter (where r.rolcanlogin and r.rolvaliduntil <= pg_catalog.now()) as expired
            from pg_catalog.pg_roles r
        ) r
       cross join (
          select pg_catalog.count(*) as publications, pg_catalog.count(*) filter (where o.rolsuper) as superuser_publications
            from pg_catalog.pg_publication b
            left join pg_catalog.pg_roles o on o.oid = b.pubowner
       ) p`,
  }),
});

export type SecretOptions = RowOf<typeof secretOptions>;
export type PublicServer = RowOf<typeof publicServers>;
export type UntrustedLanguage = RowOf<typeof untrustedLanguages>;
export type EventTrigger = RowOf<typeof eventTriggers>;
export type ParameterGrant = RowOf<typeof parameterGrants>;
export type SubscriptionOwner = RowOf<typeof subscriptionOwners>;
export type SecurityCounts = RowOf<typeof securityCounts>;
