import { z } from 'zod';
import type { ReadOnlySession } from '../postgres/database.ts';
import { compileShape, decodeRows } from '../postgres/exact-values.ts';
import { foreignPath } from '../postgres/session-settings.ts';
import { compile, param, quoteIdentifier, sql } from '../postgres/sql.ts';

/** What a login for statements of callers is and may do in one database. */
export interface LoginProfile {
  /** The database system that the connection leads to. */
  readonly cluster: string;
  readonly role: string;
  /** In which names are looked up, in order: pg_catalog first, temporary objects last. */
  readonly path: readonly string[];
  /** What it may do beside reading, by itself or by a role that it is a member of; empty for one that is as it should be. */
  readonly powers: readonly Power[];
  /** Whether it may make temporary tables, as everybody may unless it is revoked. */
  readonly mayMakeTemporary: boolean;
  /** Whether its transactions are read-only unless they say otherwise. */
  readonly isReadOnlyByDefault: boolean;
}

export interface Power {
  readonly kind:
    | 'attribute'
    | 'predefined role'
    | 'admin option'
    | 'ownership'
    | 'write'
    | 'sequence'
    | 'create in schema'
    | 'create in database';
  /** Such as SUPERUSER, or the quoted name of a table; some of them where there are many. */
  readonly objects: readonly string[];
}

/** Objects that are named of each kind. */
const NAMED = 5;

/**
 * Memberships count whether they are inherited or not: a function may set the role. A table without an ACL grants
 * nothing but to its owner, and one in a schema that may not be used nothing to anybody. UPDATE on pg_settings is everybody's.
 */
const PROFILE = compile(sql`
  with recursive membership(role) as (
    select r.oid from pg_catalog.pg_roles r where r.rolname = session_user
    union
    select m.roleid from membership join pg_catalog.pg_auth_members m on m.member = membership.role
  ),
  roles as materialized (
    select r.* from membership join pg_catalog.pg_roles r on r.oid = membership.role
  ),
  relations as materialized (
    select c.oid, c.relkind, pg_catalog.format('%I.%I', n.nspname, c.relname) as name
      from pg_catalog.pg_class c
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
       and (c.relacl is not null
            or c.oid in (select a.attrelid from pg_catalog.pg_attribute a where a.attacl is not null))
       and not (n.nspname = 'pg_catalog' and c.relname = 'pg_settings')
       and exists (select from roles r where pg_catalog.has_schema_privilege(r.oid, n.oid, 'USAGE'))
  ),
  powers(kind, object) as (
    select 'attribute', a.name
      from roles r
      cross join lateral (values ('SUPERUSER', r.rolsuper), ('BYPASSRLS', r.rolbypassrls), ('CREATEROLE', r.rolcreaterole),
                                 ('CREATEDB', r.rolcreatedb), ('REPLICATION', r.rolreplication)) a(name, has)
     where a.has
    union
    select 'predefined role', r.rolname::text from roles r where r.rolname like 'pg\\_%'
    union
    select 'admin option', m.roleid::pg_catalog.regrole::text
      from pg_catalog.pg_auth_members m join roles r on r.oid = m.member where m.admin_option
    union all
    (select 'ownership', coalesce(case when d.dbid in (0, (select b.oid from pg_catalog.pg_database b
                                                             where b.datname = pg_catalog.current_database()))
                                       then pg_catalog.pg_describe_object(d.classid, d.objid, d.objsubid) end,
                                  'an object of another database')
       from pg_catalog.pg_shdepend d join roles r on r.oid = d.refobjid
      where d.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass and d.deptype = 'o'
      limit ${param('limit')}::int)
    union all
    (select 'write', t.name from relations t cross join roles r
      where t.relkind <> 'S'
        and (pg_catalog.has_any_column_privilege(r.oid, t.oid, 'INSERT, UPDATE, REFERENCES')
             or pg_catalog.has_table_privilege(r.oid, t.oid, 'DELETE, TRUNCATE, TRIGGER'))
      limit ${param('limit')}::int)
    union all
    (select 'sequence', t.name from relations t cross join roles r
      where t.relkind = 'S' and pg_catalog.has_sequence_privilege(r.oid, t.oid, 'USAGE, UPDATE')
      limit ${param('limit')}::int)
    union all
    (select 'create in schema', pg_catalog.quote_ident(n.nspname)
       from pg_catalog.pg_namespace n cross join roles r
      where n.nspname !~ '^pg_(toast_)?temp_' and pg_catalog.has_schema_privilege(r.oid, n.oid, 'CREATE')
      limit ${param('limit')}::int)
    union all
    (select 'create in database', pg_catalog.quote_ident(pg_catalog.current_database()) from roles r
      where pg_catalog.has_database_privilege(r.oid, pg_catalog.current_database(), 'CREATE')
      limit 1)
  )
  select session_user::text as role,
         (select s.reset_val from pg_catalog.pg_settings s where s.name = 'search_path') as search_path,
         (select s.reset_val from pg_catalog.pg_settings s where s.name = 'default_transaction_read_only') = 'on' as read_only,
         pg_catalog.has_database_privilege(pg_catalog.current_database(), 'TEMPORARY') as temporary,
         (select coalesce(pg_catalog.json_agg(pg_catalog.json_build_object('kind', g.kind, 'objects', g.objects)), '[]')::text
            from (select p.kind, pg_catalog.json_agg(distinct p.object) as objects
                    from powers p group by p.kind order by p.kind) g) as powers`);

const KINDS: readonly Power['kind'][] = [
  'attribute',
  'predefined role',
  'admin option',
  'ownership',
  'write',
  'sequence',
  'create in schema',
  'create in database',
];

const row = {
  role: z.string(),
  search_path: z.string().nullable(),
  read_only: z.boolean(),
  temporary: z.boolean(),
  powers: z.array(z.object({ kind: z.enum(KINDS), objects: z.array(z.string()) })),
};
const shape = compileShape(row);

const SET_PATH = compile(sql`select pg_catalog.set_config('search_path', ${param('path')}, true)`);
const SCHEMAS = compile(sql`select pg_catalog.array_to_json(pg_catalog.current_schemas(false))::text as schemas`);
const schemasShape = compileShape({ schemas: z.array(z.string()) });

/** The session is one of the login; its search path is as it was afterwards. */
export async function readLoginProfile(
  session: ReadOnlySession,
  searchPath: readonly string[] | undefined,
): Promise<Omit<LoginProfile, 'cluster'>> {
  const [found] = decodeRows(await session.query(PROFILE, { limit: NAMED }), shape);
  const { role, search_path, read_only, temporary, powers } = z.object(row).parse(found);
  const path = searchPath?.map(quoteIdentifier).join(', ') ?? search_path ?? '';
  return {
    role,
    powers,
    path: foreignPath(await readSchemas(session, path)),
    mayMakeTemporary: temporary,
    isReadOnlyByDefault: read_only,
  };
}

/** Which schemas of the path there are and may be used, as PostgreSQL itself finds them; those of its own are left out. */
async function readSchemas(session: ReadOnlySession, path: string): Promise<string[]> {
  await session.query(SET_PATH, { path });
  const [found] = decodeRows(await session.query(SCHEMAS), schemasShape);
  await session.query(SET_PATH, { path: 'pg_catalog, pg_temp' });
  const { schemas } = z.object({ schemas: z.array(z.string()) }).parse(found);
  return schemas.filter((schema) => !schema.startsWith('pg_'));
}
