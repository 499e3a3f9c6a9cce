import { z } from 'zod';
import {
  byServerVersion,
  definePart,
  defineTool,
  estimatedSize,
  limitInput,
  param,
  readParts,
  sql,
  statementsOf,
} from '../kit/index.ts';
import { isOfServerOrDatabase } from '../server/setting-source.ts';
import { judgeTablespaces, unmeasuredTablespaces } from './judge-tablespaces.ts';
import { placement, tablespaceRow, tablespaceState } from './tablespace-row.ts';

const tablespaces = definePart({
  what: 'tablespaces',
  row: { ...tablespaceRow, ...tablespaceState },
  sql: byServerVersion({
    12: sql`
      with here as materialized (
        select d.dattablespace as oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database()
      ),
      listed as (
        select t.*, pg_catalog.pg_tablespace_location(t.oid) as path,
               -- null once it was dropped
               case when pg_catalog.has_tablespace_privilege(t.oid, 'CREATE') is not null
                    then pg_catalog.has_tablespace_privilege(t.oid, 'CREATE') or pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE')
                         or t.oid = (select h.oid from here h) end as is_allowed
          from pg_catalog.pg_tablespace t
         -- pg_default, which is usually the largest, last
         order by t.oid = 1663, t.oid
      ),
      measured as materialized (
        -- each is a walk through a directory, begun only while there is time
        select l.*, case when ${param('sizes')}::boolean and l.is_allowed and l.in_time then pg_catalog.pg_tablespace_size(l.oid) end as size
          from (
            select o.*, pg_catalog.clock_timestamp() < pg_catalog.statement_timestamp() + ${param('measure_s')}::double precision * interval '1 second' as in_time
              from listed o
            offset 0
          ) l
      ),
      contents as materialized (
        select coalesce(nullif(c.reltablespace, 0), h.oid) as oid,
               pg_catalog.count(*) filter (where c.relkind in ('r', 'm', 't')) as tables,
               pg_catalog.count(*) filter (where c.relkind = 'i') as indexes,
               pg_catalog.sum(${estimatedSize(sql`c.relpages`)})::bigint as size
          from pg_catalog.pg_class c
         cross join here h
         where c.relkind in ('r', 'm', 't', 'i')
         group by 1
      )
      select m.spcname as tablespace, pg_catalog.pg_get_userbyid(m.spcowner) as owner,
             case when pg_catalog.pg_has_role('pg_read_all_settings', 'USAGE') then nullif(m.path, '') end as location,
             m.size, pg_catalog.to_json(m.spcoptions) as options,
             (select pg_catalog.count(*) from pg_catalog.pg_database d where d.dattablespace = m.oid) as databases,
             coalesce(c.tables, 0) as tables, coalesce(c.indexes, 0) as indexes, coalesce(c.size, 0) as database_size,
             case when m.size is not null then null
                  when not ${param('sizes')}::boolean or m.is_allowed is null then 'unwanted'
                  when not m.is_allowed then 'right'
                  when m.in_time then 'unreadable' else 'time' end as unmeasured,
             -- hidden from those who may not see settings
             pg_catalog.starts_with(m.path, (select s.setting || '/' from pg_catalog.pg_settings s where s.name = 'data_directory')) as in_data_directory
        from measured m
        left join contents c on c.oid = m.oid
       order by m.size desc nulls last, m.spcname`,
  }),
});

const placed = definePart({
  what: 'where tables go',
  row: placement,
  sql: byServerVersion({
    12: sql`
      select t.spcname as database_tablespace,
             (select case when ${isOfServerOrDatabase(sql`s.source`)} then s.setting end
                from pg_catalog.pg_settings s where s.name = 'default_tablespace') as default_tablespace,
             (select case when ${isOfServerOrDatabase(sql`s.source`)} then s.setting end
                from pg_catalog.pg_settings s where s.name = 'temp_tablespaces') as temp_tablespaces
        from pg_catalog.pg_database d
        join pg_catalog.pg_tablespace t on t.oid = d.dattablespace
       where d.datname = pg_catalog.current_database()`,
  }),
});

const PARTS = { tablespaces, placed };
const row = z.object(tablespaceRow);

export default defineTool({
  name: 'tablespaces',
  area: 'storage',
  title: 'Tablespaces',
  description: 'Tablespaces: where, how large, with which options, and what this database has in them.',
  input: {
    sizes: z.boolean().default(true),
    measure_s: z.number().min(0).max(600).default(5).describe('Begin to measure no further one after so many seconds.'),
    limit: limitInput(),
  },
  seldom: ['measure_s', 'sizes'],
  timeoutS: 30,
  cost: 'Measures a tablespace by a walk through all its files, unless sizes is false.',
  sees: [{ what: 'locations of tablespaces', privilege: 'pg_read_all_settings' }],
  output: {
    placement: placed.shape.nullable(),
    rows: z.array(row).describe('The largest first.'),
    truncated: z.boolean(),
    total: z.int().min(0),
  },
  statements: statementsOf(PARTS),
  async run({ sizes, measure_s, limit }, target) {
    const read = () => readParts(target, PARTS, { sizes, measure_s });
    const first = await read();
    // one that was dropped while it was measured is gone at a second look
    const isSuspect = first.parts.tablespaces.some(({ unmeasured }) => unmeasured === 'unreadable');
    const { facts, parts, unreadable } = isSuspect ? await read() : first;
    const [place] = parts.placed;
    return {
      placement: place ?? null,
      rows: parts.tablespaces.slice(0, limit).map((each) => row.parse(each)),
      truncated: parts.tablespaces.length > limit,
      total: parts.tablespaces.length,
      facts,
      findings: judgeTablespaces(parts.tablespaces, place),
      not_examined: [...unreadable, ...unmeasuredTablespaces(parts.tablespaces)],
    };
  },
});
