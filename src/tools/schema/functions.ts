import { z } from 'zod';
import {
  byServerVersion,
  definePart,
  isUserSchema,
  lockedRelations,
  matchesName,
  param,
  sql,
  type Sql,
} from '../kit/index.ts';
import { isOwnFunction } from './own-function.ts';

export const FUNCTION_KINDS = ['function', 'procedure', 'aggregate', 'window', 'trigger'] as const;

const schema = param('schema');
const name = param('name');
const source = param('source');

const kind = sql`case when f.prorettype in ('trigger'::regtype, 'event_trigger'::regtype) then 'trigger'
                      else case f.prokind when 'p' then 'procedure' when 'a' then 'aggregate' when 'w' then 'window' else 'function' end end`;

/** Whether the name is that of `f`, with or without the types of its arguments. */
const isNamed = sql`${name}::text in (f.proname, f.proname || '(' || pg_catalog.oidvectortypes(f.proargtypes) || ')')`;

/** Functions that the inputs mean, as `listed`. */
const listed = sql`listed as materialized (
        select f.*, n.nspname, l.lanname, ${kind} as kind
          from pg_catalog.pg_proc f
          join pg_catalog.pg_namespace n on n.oid = f.pronamespace
          join pg_catalog.pg_language l on l.oid = f.prolang
         where case when ${schema}::text is not null then n.nspname = ${schema}::text else ${isUserSchema(sql`n.nspname`)} end
           and (${isNamed} or (not ${source}::boolean and ${matchesName(sql`f.proname`, name)}))
           and (${param('language')}::text is null or l.lanname = ${param('language')}::text)
           and (${param('kind')}::text is null or ${kind} = ${param('kind')}::text)
           and ${isOwnFunction(sql`f.oid`, sql`${param('extensions')}::boolean`)}
      )`;

export const functions = definePart({
  what: 'functions',
  row: {
    schema: z.string().meta({ names: 'schema' }),
    function: z.string().meta({ names: 'function' }),
    arguments: z.string().describe('Types, names and modes; no defaults.'),
    result: z.string().nullable().describe('Null of a procedure.'),
    kind: z.enum(FUNCTION_KINDS).describe('Trigger: returns trigger or event_trigger.'),
    language: z.string(),
    volatility: z.enum(['immutable', 'stable', 'volatile']),
    parallel: z.enum(['safe', 'restricted', 'unsafe']),
    strict: z.boolean().describe('Null for an argument that is null.'),
    security_definer: z.boolean().describe('Runs with the rights of its owner.'),
    search_path: z.string().nullable().describe('That it sets for itself.'),
    owner: z.string(),
    comment: z.string().nullable().meta({ names: 'text' }),
    total_rows: z.int().min(0),
  },
  sql: byServerVersion({
    12: sql`
      with ${listed},
      page as (
        select l.*, pg_catalog.count(*) over () as total_rows
          from listed l
         order by l.nspname, l.proname, l.oid
         limit ${param('limit')}
      )
      select p.nspname as schema, p.proname as function, pg_catalog.pg_get_function_identity_arguments(p.oid) as arguments,
             pg_catalog.pg_get_function_result(p.oid) as result, p.kind, p.lanname as language,
             case p.provolatile when 'i' then 'immutable' when 's' then 'stable' else 'volatile' end as volatility,
             case p.proparallel when 's' then 'safe' when 'r' then 'restricted' else 'unsafe' end as parallel,
             p.proisstrict as strict, p.prosecdef as security_definer,
             (select pg_catalog.substr(s.setting, 13) from pg_catalog.unnest(p.proconfig) s (setting)
               where pg_catalog.starts_with(s.setting, 'search_path=')) as search_path,
             pg_catalog.pg_get_userbyid(p.proowner) as owner, pg_catalog.obj_description(p.oid, 'pg_proc') as comment, p.total_rows
        from page p
       order by p.nspname, p.proname, p.oid`,
  }),
});

const sourceWith = (body: Sql) => sql`
      with ${listed}
      select case when l.prokind <> 'a' then ${body} end as source
        from listed l
       where ${source}::boolean and (select pg_catalog.count(*) from listed) = 1`;

/** The body of the only function that the inputs mean; writing out one in standard SQL opens what it reads. */
export const functionSource = definePart({
  what: 'the source of the function',
  row: { source: z.string().nullable().meta({ names: 'text' }) },
  sql: byServerVersion({
    12: sourceWith(sql`l.prosrc`),
    14: sourceWith(sql`case when l.prosqlbody is null then l.prosrc
                            when not ${param('estimate_sizes')}::boolean and not exists (
                              select from pg_catalog.pg_depend d
                                join (${lockedRelations}) k on k.oid = d.refobjid
                               where d.classid = 'pg_catalog.pg_proc'::regclass and d.objid = l.oid
                                 and d.refclassid = 'pg_catalog.pg_class'::regclass)
                            then pg_catalog.pg_get_function_sqlbody(l.oid) end`),
  }),
});
