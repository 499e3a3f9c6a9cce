import { z } from 'zod';
import {
  byServerVersion,
  defineDiagnostic,
  isUserSchema,
  matchesName,
  nameInput,
  schemaInput,
  sql,
  type Param,
  type Sql,
} from '../kit/index.ts';
import { judgeGaps } from './judge-sequences.ts';
import { about, row } from './sequence-row.ts';
import { usedSequences } from './used-sequences.ts';

const { schema, sequence, table_schema, table, column, identity, sequence_type, increment, cycles } = row;
const { last_value, used_percent, unreadable } = row;

export default defineDiagnostic({
  name: 'list_sequences',
  area: 'sequences',
  accessClass: 'schema',
  title: 'Sequences',
  description: 'Sequences: column that each feeds, type, bounds, increment, cache, last value.',
  judges: false,
  input: { schema: schemaInput, name: nameInput },
  row: {
    schema,
    sequence,
    table_schema,
    table,
    column,
    identity,
    sequence_type,
    start: z.string(),
    minimum: z.string(),
    maximum: z.string(),
    increment,
    cycles,
    cache: z.string().describe('Values that a session takes at once.'),
    last_value,
    used_percent,
    unreadable,
    owner: z.string(),
  },
  about,
  counted: true,
  sql: (inputs) => byServerVersion({ 12: select(inputs) }),
  notExamined: (_, { about: unread, facts }) => (unread === null ? [] : judgeGaps(unread, facts.role.name)),
});

/** Reading a value opens the sequence, so only those of the page are read. */
function select({
  schema,
  name,
  limit,
  estimate_sizes,
}: Readonly<Record<'schema' | 'name' | 'limit' | 'estimate_sizes', Param>>): Sql {
  const matching = sql`pg_catalog.pg_class o
                  join pg_catalog.pg_namespace m on m.oid = o.relnamespace
                 where o.relkind = 'S' and o.relpersistence <> 't' and ${isUserSchema(sql`m.nspname`)}
                   and (${schema}::text is null or m.nspname = ${schema}::text) and ${matchesName(sql`o.relname`, name)}`;
  const page = usedSequences({
    among: sql`c.oid in (select o.oid from ${matching} order by m.nspname, o.relname limit ${limit})`,
    limit,
    estimateSizes: estimate_sizes,
    more: sql`, u.seqstart::text as start, u.seqmin::text as minimum, u.seqmax::text as maximum, u.seqcache::text as cache,
             (select pg_catalog.pg_get_userbyid(o.relowner) from pg_catalog.pg_class o where o.oid = u.oid) as owner`,
    orderBy: sql`u.nspname, u.relname`,
    total: sql`(select pg_catalog.count(*) from ${matching})`,
  });
  return sql`
      select q.schema, q.sequence, q.table_schema, q.table, q.column, q.identity, q.sequence_type, q.start, q.minimum, q.maximum, q.increment,
             q.cycles, q.cache, q.last_value, q.used_percent, q.unreadable, q.owner,
             q.without_right, q.without_right_in, q.behind_lock, q.unlogged, q.total_rows
        from (${page}
        ) q
       order by q.schema, q.sequence`;
}
