import { expect, it } from 'vitest';
import { PersonaSpec } from '../../src/contract/persona.ts';
import { describeEachMajor } from '../postgres/each-major.ts';
import { loginsOf, openHowdah, runAs, useHowdah, withSession, type Answer } from '../postgres/platform.ts';
import { fieldsOf } from './advice.ts';
import { useCloneWith } from './schema-fixture.ts';

/** `graph.b(a_id) graph.a(id)` */
function keysOf(answer: Answer): string[] {
  return answer.rows
    .filter(({ kind }) => kind === 'foreign_key')
    .map((row) => {
      const end = (schema: string, table: string, columns: string) =>
        `${row[schema]}.${row[table]}(${String(row[columns])})`;
      return `${end('schema', 'table', 'columns')} ${end('referenced_schema', 'referenced_table', 'referenced_columns')}`;
    });
}

function othersOf(answer: Answer): unknown[][] {
  return fieldsOf(answer, 'kind', 'table', 'referenced_table').filter(([kind]) => kind !== 'foreign_key');
}

describeEachMajor('foreign_keys', (cluster) => {
  const clone = useCloneWith(cluster, 'schema');
  const howdah = useHowdah(clone);
  const call = (input: Record<string, unknown>) => howdah('plain').call('foreign_keys', input);

  it.each(loginsOf(cluster))('gives each key of a schema once and whole, whoever owns it, to %s', async (login) => {
    const answer = await howdah(login).call('foreign_keys', { schema: 'graph', relationship_type: 'fk' });
    expect(keysOf(answer)).toEqual([
      'far.crossed(p) graph.a(id)',
      'graph.Quo"ted(a_id) graph.a(id)',
      'graph.b(a_code) graph.a(code)',
      'graph.b(a_id) graph.a(id)',
      'graph.crossed(q,p) graph.a(x,y)',
      'graph.parted(a_id) graph.a(id)',
      'graph.to_parted(id) graph.parted(id)',
      'graph.tree(parent) graph.tree(id)',
    ]);
    expect(answer).toMatchObject({ total: 8, truncated: false, findings: [] });
    expect(answer['most_referenced']).toEqual([
      { schema: 'graph', table: 'a', keys: 6, from_tables: 5 },
      { schema: 'graph', table: 'parted', keys: 1, from_tables: 1 },
      { schema: 'graph', table: 'tree', keys: 1, from_tables: 1 },
    ]);
  });

  it('says what happens to rows, how many there are, and when a key is checked', async () => {
    const answer = await call({ schema: 'graph', relationship_type: 'fk' });
    const row = (constraint: string, schema = 'graph') =>
      answer.rows.find((each) => each['constraint'] === constraint && each['schema'] === schema);
    expect(row('b_a_id_fkey')).toMatchObject({
      on_delete: 'cascade',
      on_update: 'set null',
      match: 'simple',
      deferrable: 'initially deferred',
      state: null,
      required: true,
      unique: false,
      distance: null,
    });
    expect(row('b_a_code_fkey')).toMatchObject({
      on_delete: 'no action',
      deferrable: null,
      required: false,
      unique: true,
    });
    expect(row('same_name')).toMatchObject({ match: 'full', required: false });
    expect(row('same_name', 'far')).toMatchObject({ match: 'simple', required: true });
    const lax = await call({ schema: 'lax' });
    expect(fieldsOf(lax, 'constraint', 'state')).toContainEqual(['to parent', 'not valid']);
  });

  it('shows what is around one table, both ways, step by step', async () => {
    const near = await call({ table: 'graph.b', relationship_type: 'fk' });
    expect(keysOf(near)).toEqual(['graph.b(a_code) graph.a(code)', 'graph.b(a_id) graph.a(id)']);
    expect(near).not.toHaveProperty('most_referenced');
    const further = await call({ table: 'b', schema: 'graph', relationship_type: 'fk', depth: 2 });
    expect(fieldsOf(further, 'table', 'distance')).toEqual([
      ['b', 1],
      ['b', 1],
      ['crossed', 2],
      ['Quo"ted', 2],
      ['crossed', 2],
      ['parted', 2],
    ]);
    const all = await call({ table: 'graph.b', relationship_type: 'fk', depth: 3 });
    expect(keysOf(all).at(-1)).toBe('graph.to_parted(id) graph.parted(id)');
    expect(keysOf(await call({ table: 'graph.tree' }))).toEqual(['graph.tree(parent) graph.tree(id)']);
  });

  it('has keys at partitions, and of a partitioned table those of its partitions only once', async () => {
    const parted = await call({ table: 'graph.parted' });
    expect(keysOf(parted)).toEqual(['graph.parted(a_id) graph.a(id)', 'graph.to_parted(id) graph.parted(id)']);
    expect(othersOf(parted)).toEqual([
      ['partition', 'parted_1', 'parted'],
      ['partition', 'parted_2', 'parted'],
    ]);
    const partition = await call({ table: 'graph.parted_1' });
    expect(keysOf(partition)).toContain('graph.parted_1(a_id) graph.a(id)');
    expect(othersOf(partition)).toEqual([['partition', 'parted_1', 'parted']]);
  });

  it('names a child and its parent, and views with what they read', async () => {
    expect(othersOf(await call({ schema: 'graph', relationship_type: 'inheritance' }))).toEqual([
      ['inheritance', 'derived', 'base'],
    ]);
    const views = await call({ schema: 'graph', relationship_type: 'views' });
    expect(othersOf(views)).toEqual([
      ['view', 'copied', 'overview'],
      ['view', 'overview', 'a'],
      ['view', 'overview', 'b'],
    ]);
    expect(othersOf(await call({ table: 'graph.overview' }))).toHaveLength(3);
    expect(othersOf(await call({ table: 'graph.sessions' }))).toEqual([['view', 'sessions', 'pg_stat_activity']]);
  });

  it('draws what it lists', async () => {
    const answer = await call({ table: 'graph.a', relationship_type: 'fk' });
    expect(String(answer['diagram']).split('\n')).toEqual([
      'erDiagram',
      '  "far.crossed" }o--|| "graph.a" : "p"',
      '  "graph.Quo_ted" }o--o| "graph.a" : "a_id"',
      '  "graph.b" |o--o| "graph.a" : "a_code"',
      '  "graph.b" }o--|| "graph.a" : "a_id"',
      '  "graph.crossed" }o--o| "graph.a" : "q, p"',
      '  "graph.parted" }o--o| "graph.a" : "a_id"',
    ]);
    expect(await call({ schema: 'vacuum' })).toMatchObject({ rows: [], diagram: null, most_referenced: [] });
  });

  it('says how many there are beyond the limit', async () => {
    const answer = await call({ schema: 'graph', relationship_type: 'fk', limit: 3 });
    expect(answer).toMatchObject({ total: 8, truncated: true });
    expect(answer.rows).toHaveLength(3);
    expect(String(answer['diagram']).split('\n')).toHaveLength(4);
  });

  it('goes through no hidden table, and counts no key of one', async () => {
    const ruled = PersonaSpec.parse({ tools: { allow: ['*'] }, data: { deny: ['graph.a', 'far.*'] } });
    const narrow = await openHowdah(clone().monitorUrl, 'ruled', (config) => ({ ...config, personas: { ruled } }));
    const shown = async (input: Record<string, unknown>) => {
      const answer = await narrow.call('foreign_keys', input);
      expect(JSON.stringify(answer)).not.toMatch(/graph\.a"|"a"|far/);
      return answer;
    };
    // from parted to b, and to all the others, there is a way through a alone
    const parted = await shown({ table: 'graph.parted', depth: 5, relationship_type: 'fk' });
    expect(keysOf(parted)).toEqual(['graph.to_parted(id) graph.parted(id)']);
    expect(parted).toMatchObject({ total: 1, truncated: false });
    expect(await shown({ table: 'graph.b', depth: 5, relationship_type: 'fk' })).toMatchObject({ rows: [], total: 0 });
    const all = await shown({ schema: 'graph', relationship_type: 'fk' });
    expect(all['most_referenced']).toEqual([
      { schema: 'graph', table: 'parted', keys: 1, from_tables: 1 },
      { schema: 'graph', table: 'tree', keys: 1, from_tables: 1 },
    ]);
    await narrow.close();
  });

  it('waits for no lock', async () => {
    await withSession(clone().superuserUrl, async (session) => {
      await session.query('begin');
      await session.query('lock table graph.a, graph.b, graph.parted in access exclusive mode');
      const startedAt = performance.now();
      expect(await call({ schema: 'graph', relationship_type: 'fk' })).toMatchObject({ total: 8 });
      expect(await call({ table: 'graph.a', relationship_type: 'fk' })).toMatchObject({ total: 6 });
      expect(performance.now() - startedAt).toBeLessThan(1500);
    });
  });

  it('asks which table is meant, and knows none that is not there', async () => {
    expect(await howdah('plain').attempt('foreign_keys', { table: 'crossed' })).toMatchObject({
      ok: false,
      error: { code: 'INVALID_INPUT', details: { candidates: ['"far"."crossed"', '"graph"."crossed"'] } },
    });
    expect(await howdah('plain').attempt('foreign_keys', { table: 'graph.bb' })).toMatchObject({
      ok: false,
      error: { code: 'NOT_FOUND' },
    });
  });

  it('answers to get_table_relationships, of a table and of a database', async () => {
    const given = { database_name: clone().name, relationship_type: 'all' };
    const one = await howdah('monitor').call('get_table_relationships', {
      ...given,
      table_name: 'b',
      schema_name: 'graph',
    });
    expect(keysOf(one)).toEqual(['graph.b(a_code) graph.a(code)', 'graph.b(a_id) graph.a(id)']);
    expect(othersOf(one)).toEqual([['view', 'overview', 'b']]);
    const all = await howdah('monitor').call('get_table_relationships', given);
    expect(all).toMatchObject({ total: 26, truncated: true });
    const [first] = all['most_referenced'] as readonly unknown[];
    expect(first).toEqual({ schema: 'graph', table: 'a', keys: 6, from_tables: 5 });
  });

  it.runIf(cluster.major >= 18)('tells keys that are not enforced', async () => {
    await runAs(clone().superuserUrl, 'create table far.declared (id integer references graph.tree not enforced)');
    const answer = await call({ table: 'far.declared' });
    expect(fieldsOf(answer, 'state')).toEqual([['not enforced']]);
  });
});
