/** What every tool keeps, whatever it is about. */
import { existsSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { openStatementTexts } from '../sqltext/statement-texts.ts';
import { tools } from './catalog.gen.ts';

const texts = openStatementTexts({ textMs: 5000 });
afterAll(() => texts.close());

type Node = Readonly<Record<string, unknown>>;

/** Every node of a parse tree that has this name. */
function nodesOf(tree: unknown, name: string): Node[] {
  if (typeof tree !== 'object' || tree === null) return [];
  return Object.entries(tree).flatMap(([key, child]: [string, unknown]) => [
    ...(key === name ? [child as Node] : []),
    ...nodesOf(child, name),
  ]);
}

function functionNames(tree: unknown): string[] {
  return nodesOf(tree, 'FuncCall').map(({ funcname }) =>
    nodesOf(funcname, 'String')
      .map(({ sval }) => String(sval))
      .join('.'),
  );
}

function relationNames(tree: unknown): string[] {
  const own = new Set(nodesOf(tree, 'CommonTableExpr').map(({ ctename }) => ctename));
  return nodesOf(tree, 'RangeVar')
    .filter(({ schemaname, relname }) => schemaname !== undefined || !own.has(relname))
    .map(({ schemaname, relname }) => [schemaname, relname].join('.'));
}

describe.each(tools.map((tool) => [tool.name, tool] as const))('%s', (name, tool) => {
  it('has the name of its file and the area of its folder', () => {
    expect(name).toMatch(/^[a-z]+(_[a-z]+)*$/);
    expect(
      existsSync(new URL(`${tool.area.replaceAll('_', '-')}/${name.replaceAll('_', '-')}.ts`, import.meta.url)),
    ).toBe(true);
  });

  it('is described in at most 25 words', () => {
    expect(tool.description.split(/\s+/).length).toBeLessThanOrEqual(25);
    expect(tool.description).toMatch(/\.$/);
    expect(tool.title.length).toBeLessThanOrEqual(30);
  });

  it('maps the arguments of its other names to inputs that it has', () => {
    const inputs = Object.keys(tool.input.shape);
    for (const names of Object.values(tool.alsoKnownAs))
      expect(inputs).toEqual(expect.arrayContaining(Object.values(names)));
  });

  const [commands, statements] = [true, false].map((ofPooler) =>
    tool.statements
      .filter(({ since }) => since.startsWith('PgBouncer') === ofPooler)
      .map(({ since, text }) => [since, text]),
  );

  it.each(commands ?? [])('only has PgBouncer show something, since %s: %s', (_, text) => {
    expect(text).toMatch(/^SHOW [A-Z]+$/);
  });

  it.each(statements ?? [])('names all in pg_catalog or in its extension, since %s', async (since, text) => {
    const tree = await texts.parse(text);
    const schemas = since.startsWith('PostgreSQL') ? ['pg_catalog'] : ['pg_catalog', 'public'];
    const named = [...functionNames(tree), ...relationNames(tree)];
    const stray = named.filter((each) => !schemas.includes(each.split('.')[0] ?? ''));
    expect(stray).toEqual([]);
    expect(named.length).toBeGreaterThan(0);
  });
});

describe('the catalogue', () => {
  it('answers to the names of the predecessor', () => {
    const aliases = tools.flatMap(({ alsoKnownAs }) => Object.keys(alsoKnownAs));
    expect(aliases).toEqual(
      expect.arrayContaining([
        'get_active_connections',
        'get_all_tables_stats',
        'get_autovacuum_activity',
        'get_autovacuum_status',
        'get_current_database_info',
        'get_database_bloat_overview',
        'get_database_conflicts_stats',
        'get_database_list',
        'get_database_size_info',
        'get_database_stats',
        'get_index_usage_stats',
        'get_lock_monitoring',
        'get_pg_stat_statements_top_queries',
        'get_postgresql_config',
        'get_replication_status',
        'get_server_info',
        'get_table_bloat_analysis',
        'get_table_list',
        'get_table_relationships',
        'get_table_schema_info',
        'get_table_size_info',
        'get_vacuum_analyze_stats',
        'get_vacuum_effectiveness_analysis',
        'get_wal_status',
      ]),
    );
  });
});
