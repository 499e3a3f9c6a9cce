import { z } from 'zod';
import {
  byServerVersion,
  comment,
  definePart,
  quoteIdentifier,
  sql,
  type ConnectionFacts,
  type NotExamined,
  type RowOf,
} from '../kit/index.ts';
import {
  examinedTables,
  expressionIndexes,
  extendedVisible,
  isVisible,
  keepsStatistics,
  STATISTICS,
  type Since,
} from './examined-tables.ts';

const count = z.int().min(0);

const coverage = (since: Since) => sql`
      with recursive ${examinedTables(since)}
      select pg_catalog.count(*) as examined, coalesce(pg_catalog.max(e.all_tables), 0) as tables,
             pg_catalog.count(*) filter (where exists (
               select from pg_catalog.pg_attribute a
                where a.attrelid = e.oid and a.attnum > 0 and ${keepsStatistics} and not ${isVisible(sql`e.oid`)})) as hidden_tables,
             coalesce(pg_catalog.sum((
               select pg_catalog.count(*) from ${expressionIndexes}
                where i.indrelid = e.oid
                  and exists (select from pg_catalog.pg_attribute a where a.attrelid = x.oid and a.attnum > 0 and not ${isVisible(sql`x.oid`)}))), 0) as hidden_expressions,
             coalesce(pg_catalog.sum((
               select pg_catalog.count(*) from pg_catalog.pg_statistic_ext s where s.stxrelid = e.oid and not ${extendedVisible})), 0) as hidden_extended
        from examined e`;

/** What statistics could be looked for. */
export const staleCoverage = definePart({
  what: 'which statistics the login may see',
  row: {
    examined: count,
    tables: count,
    hidden_tables: count,
    hidden_expressions: count,
    hidden_extended: count,
  },
  sql: byServerVersion({ 12: coverage(STATISTICS[12]), 14: coverage(STATISTICS[14]) }),
});

export function notCovered(
  row: RowOf<typeof staleCoverage> | undefined,
  { major, role }: ConnectionFacts,
): NotExamined[] {
  if (!row) return [];
  const { examined, tables, hidden_tables, hidden_expressions, hidden_extended } = row;
  const remedy = seeColumns(quoteIdentifier(role.name), major);
  const gaps: [count: number, gap: NotExamined][] = [
    [
      hidden_tables,
      {
        what: `whether the columns of ${hidden_tables} of ${examined} tables have statistics`,
        reason: 'pg_stats shows those of columns that the login may read.',
        remedy,
      },
    ],
    [
      hidden_expressions,
      {
        what: `whether ${hidden_expressions} indexes on expressions have statistics`,
        reason: 'Only the owner of an index sees them, and from PostgreSQL 14 on who may read all data.',
        remedy,
      },
    ],
    [
      hidden_extended,
      {
        what: `whether ${hidden_extended} extended statistics were built`,
        reason: 'Only the owner of a table sees them.',
        remedy: 'Ask with a login that owns the tables, or: SELECT * FROM pg_stats_ext;',
      },
    ],
    [
      tables - examined,
      {
        what: `columns, expressions and extended statistics of ${tables - examined} tables`,
        reason: `There are more than ${examined} tables with rows: the largest were looked into.`,
        remedy: 'Ask for one schema, or a part of the name.',
      },
    ],
  ];
  return gaps.flatMap(([count, gap]) => (count > 0 ? [gap] : []));
}

/** There is no right to the statistics of columns alone. */
function seeColumns(login: string, major: number): string {
  return major >= 14
    ? `GRANT pg_read_all_data TO ${login}; -- which lets it read all tables, too`
    : comment(`in each schema GRANT SELECT ON ALL TABLES IN SCHEMA … TO ${login}, which lets it read them, too`);
}
