import { z } from 'zod';
import type { CallContext, ReachedDatabase } from '../../calls/context.ts';
import { reachableServers } from '../../calls/reach.ts';
import { isRecord } from '../../core/record.ts';
import type { Fleet } from '../../fleet/fleet.ts';
import { compileShape, decodeRows } from '../../postgres/exact-values.ts';
import { compile, param, sql, type Statement } from '../../postgres/sql.ts';
import { requireTarget } from '../../tools/kit/tool.ts';
import { TABLE_TOOL } from '../resources/tables.ts';
import { defineMethod, type Method, type Params } from './method.ts';

export const COMPLETE_METHOD = 'completion/complete';

/** The protocol's own bound on one answer. */
const MAX_VALUES = 100;
/** Names that a rule of the persona withholds are left out after they were read. */
const MAX_READ = 1000;

/** What each variable can be; as in the answers of the tools, a name is no secret to who may not read what it names. */
const STATEMENTS: Readonly<Record<'database' | 'schema' | 'table', Statement>> = {
  database: compile(sql`
    select d.datname as name
      from pg_catalog.pg_database d
     where d.datallowconn and not d.datistemplate
       and pg_catalog.has_database_privilege(d.oid, 'CONNECT')
       and pg_catalog.starts_with(d.datname::pg_catalog.text, ${param('prefix')})
     order by d.datname limit ${param('limit')}`),
  schema: compile(sql`
    select n.nspname as name
      from pg_catalog.pg_namespace n
     where n.nspname !~ '^pg_(toast|temp_|toast_temp_)'
       and pg_catalog.starts_with(n.nspname::pg_catalog.text, ${param('prefix')})
     order by n.nspname limit ${param('limit')}`),
  table: compile(sql`
    select distinct c.relname as name
      from pg_catalog.pg_class c
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'p', 'v', 'm', 'f')
       and (n.nspname = ${param('schema')} or ${param('schema')}::pg_catalog.text is null)
       and n.nspname !~ '^pg_(toast|temp_|toast_temp_)'
       and pg_catalog.starts_with(c.relname::pg_catalog.text, ${param('prefix')})
     order by c.relname limit ${param('limit')}`),
};

const shape = compileShape({ name: z.string() });
const prefix = z.string().max(63);

export function completionMethods(fleet: Fleet): readonly Method[] {
  return [
    defineMethod({
      name: COMPLETE_METHOD,
      title: 'Complete a server',
      description: 'Servers that the caller may reach; nothing for what cannot be completed.',
      reveals: 'what_is_allowed',
      input: { variable: z.string().max(64), prefix },
      answers: { method: COMPLETE_METHOD, take: ({ argument }) => readArgument(argument) },
      run: ({ variable, prefix }, { persona }) => {
        const names = variable === 'server' ? reachableServers(fleet, persona).map(({ name }) => name) : [];
        return describe(names.filter((name) => name.startsWith(prefix)));
      },
    }),
    defineMethod({
      name: 'completion/complete/database',
      title: 'Complete a database, schema or table',
      description: 'Names as the catalogue has them; databases that the caller may reach and the login may connect to.',
      input: {
        variable: z.enum(['database', 'schema', 'table']),
        prefix,
        server: z.string().optional(),
        database: z.string().optional(),
        schema: z.string().optional(),
      },
      answers: { method: COMPLETE_METHOD, take: takeFromDatabase },
      reaches: 'server',
      actsAs: () => [TABLE_TOOL],
      async run({ variable, prefix, schema }, context) {
        const target = requireTarget(context);
        const names = await readNames(target, STATEMENTS[variable], { prefix, schema: schema ?? null });
        return describe(variable === 'database' ? names.filter((name) => isOpen(name, target, context)) : names);
      },
    }),
  ];
}

/** A variable has one meaning in every prompt and template, so that `ref` need not be looked at. */
function readArgument(argument: unknown): { readonly variable: unknown; readonly prefix: unknown } {
  const { name: variable, value: prefix } = isRecord(argument) ? argument : {};
  return { variable, prefix };
}

/** With what was chosen already; an empty field was not. */
function takeFromDatabase({ argument, context }: Params): Params | undefined {
  const asked = readArgument(argument);
  const places = placesFor(asked.variable);
  if (places === undefined) return undefined;
  const chosen = isRecord(context) && isRecord(context['arguments']) ? context['arguments'] : {};
  const given = places.filter((name) => chosen[name] !== undefined && chosen[name] !== '');
  return { ...asked, ...Object.fromEntries(given.map((name) => [name, chosen[name]])) };
}

function placesFor(variable: unknown): readonly string[] | undefined {
  if (variable === 'database') return ['server'];
  return variable === 'schema' || variable === 'table' ? ['server', 'database', 'schema'] : undefined;
}

async function readNames(
  target: ReachedDatabase,
  statement: Statement,
  values: { readonly prefix: string; readonly schema: string | null },
): Promise<string[]> {
  const result = await target.readOnly((session) => session.query(statement, { ...values, limit: MAX_READ }));
  return decodeRows(result, shape).map(({ name }) => name as string);
}

function isOpen(database: string, { server }: ReachedDatabase, { persona }: CallContext): boolean {
  return server.offers(database) && persona.database(server.name, database).allowed;
}

function describe(names: readonly string[]): { completion: object } {
  const hasMore = names.length > MAX_VALUES;
  // beyond what was read the number is not known
  const total = names.length < MAX_READ ? { total: names.length } : {};
  return { completion: { values: names.slice(0, MAX_VALUES), hasMore, ...total } };
}

/** What is answered when nothing can be said: an editor that asks at every key is not the place for errors. */
export const NO_COMPLETION = { completion: { values: [], total: 0, hasMore: false } } as const;
