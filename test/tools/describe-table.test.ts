import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { useClone } from '../postgres/clone.ts';
import { describeEachMajor, describeEachStandby } from '../postgres/each-major.ts';
import { LOGINS, loginsOf, runAs, useHowdah, withSession, type Answer, type Row } from '../postgres/platform.ts';

function listOf(answer: Answer, part: string): readonly Row[] {
  return answer[part] as readonly Row[];
}

function relationOf(answer: Answer): Row {
  return answer['relation'] as Row;
}

function claims({ findings }: Answer): string[] {
  return findings.map(({ severity, claim }) => `${severity}: ${claim}`);
}

describeEachMajor('describe_table', (cluster) => {
  const clone = useClone(cluster);
  const howdah = useHowdah(clone);

  it.each(loginsOf(cluster))('describes columns in their order, for %s', async (login) => {
    const answer = await howdah(login).call('describe_table', { table: 'shop.Order' });
    expect(relationOf(answer)).toMatchObject({
      schema: 'shop',
      table: 'Order',
      kind: 'table',
      rows: 4000,
      primary_key: true,
      locked: false,
    });
    const columns = listOf(answer, 'columns').map(
      ({ column, type, nullable, default: value, identity, generated_as }) => [
        column,
        type,
        nullable,
        value ?? identity ?? generated_as,
      ],
    );
    expect(columns).toEqual([
      ['id', 'bigint', false, 'by default'],
      ['customer_id', 'integer', false, null],
      ['status', 'shop.order_status', false, "'new'::shop.order_status"],
      ['net', 'numeric(12,2)', false, null],
      ['tax', 'numeric(12,2)', false, '0'],
      ['gross', 'numeric(12,2)', true, '(net + tax)'],
      ['Placed at', 'timestamp with time zone', false, null],
      ['tags', 'text[]', false, "'{}'::text[]"],
      ['note', 'jsonb', true, null],
    ]);
    const constraints = listOf(answer, 'constraints').map(({ constraint, type, definition }) => [
      constraint,
      type,
      definition,
    ]);
    expect(constraints).toEqual([
      ['Order_pkey', 'primary key', 'PRIMARY KEY (id)'],
      ['positive', 'check', 'CHECK ((net >= (0)::numeric))'],
    ]);
    expect(listOf(answer, 'dependents').map(({ view }) => view)).toEqual(['paid_orders', 'revenue']);
    expect(answer.findings).toEqual([]);
  });

  it.each(loginsOf(cluster))('gives each foreign key once, whole and both ways, for %s', async (login) => {
    const lines = await howdah(login).call('describe_table', { table: 'order_lines' });
    const key = {
      on_delete: 'cascade',
      on_update: 'no action',
      validated: true,
      enforced: true,
      indexed: true,
      deferrable: false,
    };
    expect(lines['references']).toEqual([
      {
        constraint: 'order_lines_order_id_fkey',
        schema: 'shop',
        table: 'Order',
        columns: ['order_id'],
        referenced_columns: ['id'],
        ...key,
      },
    ]);
    expect(lines['referenced_by']).toEqual([
      {
        constraint: expect.stringMatching(/^shipments_order_id/),
        schema: 'crm',
        table: 'shipments',
        columns: ['order_id', 'line_no'],
        referenced_columns: ['order_id', 'line_no'],
        ...key,
        on_delete: 'no action',
      },
    ]);
    const customers = await howdah(login).call('describe_table', { table: 'customers' });
    expect(listOf(customers, 'referenced_by').map(({ schema, table }) => `${schema}.${table}`)).toEqual([
      'crm.accounts',
      'shop.Order',
    ]);
    expect(relationOf(customers)).toMatchObject({ referenced_by: 2, comment: 'People who have an account' });
    expect(listOf(customers, 'triggers')).toEqual([
      expect.objectContaining({ trigger: 'touch', function: 'shop.touch', enabled: 'origin' }),
    ]);
  });

  it('pairs the columns of a foreign key in its own order', async () => {
    await runAs(
      clone().superuserUrl,
      'create table public.crossed (a integer, z integer, foreign key (z, a) references keys.parent (a, b))',
    );
    const answer = await howdah('plain').call('describe_table', { table: 'crossed' });
    expect(listOf(answer, 'references')).toEqual([
      expect.objectContaining({ columns: ['z', 'a'], referenced_columns: ['a', 'b'] }),
    ]);
    await runAs(clone().superuserUrl, 'drop table public.crossed');
  });

  it('gives a foreign key between partitioned tables once, at both ends and at the partitions', async () => {
    await runAs(
      clone().superuserUrl,
      'create schema parts',
      'create table parts.target (id integer primary key) partition by range (id)',
      'create table parts.target_1 partition of parts.target for values from (0) to (10)',
      'create table parts.target_2 partition of parts.target for values from (10) to (20)',
      'create table parts.source (id integer references parts.target) partition by range (id)',
      'create table parts.source_1 partition of parts.source for values from (0) to (10)',
      'create table parts.source_2 partition of parts.source for values from (10) to (20)',
    );
    const keysOf = async (table: string) => {
      const answer = await howdah('plain').call('describe_table', { table: `parts.${table}` });
      return [
        listOf(answer, 'references').map((key) => key['table']),
        listOf(answer, 'referenced_by').map((key) => key['table']),
      ];
    };
    expect(await keysOf('source')).toEqual([['target'], []]);
    expect(await keysOf('source_1')).toEqual([['target'], []]);
    expect(await keysOf('target')).toEqual([[], ['source']]);
    expect(await keysOf('target_1')).toEqual([[], ['source']]);
    const source = await howdah('plain').call('describe_table', { table: 'parts.source' });
    expect(source.findings.map(({ next_step }) => next_step)).toContainEqual(
      expect.stringMatching(
        /\n-- all at once, with writes locked out .*: CREATE INDEX ON "parts"\."source" \("id"\);$/,
      ),
    );
    expect(listOf(source, 'references')).toMatchObject([{ indexed: false }]);
  });

  it.each(['no_index', 'partial_index', 'second_column'])(
    'reports that no index serves the foreign key of keys.%s',
    async (table) => {
      const answer = await howdah('plain').call('describe_table', { schema: 'keys', table });
      expect(answer.findings).toEqual([
        expect.objectContaining({
          severity: 'notice', // an empty table is read in no time
          object: `"keys"."${table}"`,
          next_step: `CREATE INDEX CONCURRENTLY ON "keys"."${table}" ("parent_id");`,
        }),
      ]);
    },
  );

  it.each(['indexed', 'indexed_reversed'])('is content with the foreign key of keys.%s', async (table) => {
    expect((await howdah('plain').call('describe_table', { schema: 'keys', table })).findings).toEqual([]);
  });

  it('reports keys of other tables that make deletes here slow', async () => {
    const { findings } = await howdah('plain').call('describe_table', { table: 'keys.parent' });
    expect(findings.map(({ severity, object }) => [severity, object])).toEqual([
      ['notice', '"keys"."no_index"'],
      ['notice', '"keys"."partial_index"'],
      ['notice', '"keys"."second_column"'],
    ]);
  });

  it('names the indexes that others make needless, and only those', async () => {
    const answer = await howdah('plain').call('describe_table', { table: 'indexes.overlapping' });
    const covered = listOf(answer, 'indexes').filter(({ covered_by }) => covered_by !== null);
    expect(covered.map(({ index }) => index)).toEqual(['overlapping_a', 'overlapping_a_again']);
    expect(answer.findings.map(({ object }) => object)).toEqual([
      '"indexes"."overlapping_a"',
      '"indexes"."overlapping_a_again"',
    ]);
  });

  it('reports an invalid index', async () => {
    const answer = await howdah('plain').call('describe_table', { table: 'indexes.broken' });
    expect(answer.findings).toEqual([
      expect.objectContaining({
        severity: 'warning',
        object: '"indexes"."broken_a"',
        next_step: expect.stringContaining('REINDEX INDEX CONCURRENTLY'),
      }),
    ]);
  });

  it('measures a sequence by what its column can hold', async () => {
    const full = await howdah('superuser').call('describe_table', { table: 'nearly_full' });
    expect(listOf(full, 'sequences')).toMatchObject([
      { column: 'id', last_value: '32000', last_possible: '32767', used_percent: 97.66, unreadable: null },
    ]);
    const narrow = await howdah('superuser').call('describe_table', { table: 'narrow_column' });
    expect(listOf(narrow, 'sequences')).toMatchObject([
      { sequence_type: 'bigint', last_possible: '2147483647', used_percent: 93.13 },
    ]);
    const lax = await howdah('superuser').call('describe_table', { table: 'narrow_column', max_sequence_percent: 94 });
    expect([full, narrow, lax].map(({ findings }) => findings.map(({ severity }) => severity))).toEqual([
      ['critical'],
      ['critical'],
      [],
    ]);
    const fresh = await howdah('superuser').call('describe_table', { table: 'sequences.fresh' });
    expect(listOf(fresh, 'sequences')).toEqual([expect.objectContaining({ last_value: null, used_percent: 0 })]);
  });

  it.each(['monitor', 'plain'] as const)('says that %s may not see how much of a sequence is used', async (login) => {
    const answer = await howdah(login).call('describe_table', { table: 'nearly_full' });
    expect(listOf(answer, 'sequences')).toMatchObject([{ last_value: null, used_percent: null, unreadable: 'right' }]);
    expect(answer.findings).toEqual([]);
    expect(answer.not_examined).toMatchObject([{ what: 'how much of "sequences"."nearly_full_id_seq" is used' }]);
    await runAs(clone().superuserUrl, answer.not_examined?.[0]?.remedy ?? '');
    const granted = await howdah(login).call('describe_table', { table: 'nearly_full' });
    expect(listOf(granted, 'sequences')).toMatchObject([{ used_percent: 97.66 }]);
    expect(granted).not.toHaveProperty('not_examined');
  });

  it('describes partitions, their bounds and a default that is not empty', async () => {
    const answer = await howdah('plain').call('describe_table', { table: 'measurements' });
    expect(relationOf(answer)).toMatchObject({
      kind: 'partitioned_table',
      partition_key: 'RANGE (at)',
      partitions: 3,
      rows: 3,
    });
    expect(
      listOf(answer, 'partitions').map(({ table, bound, rows, partitions }) => [table, bound, rows, partitions]),
    ).toEqual([
      ['measurements_2024', "FOR VALUES FROM ('2024-01-01') TO ('2025-01-01')", 1, 0],
      ['measurements_2025', "FOR VALUES FROM ('2025-01-01') TO ('2026-01-01')", 1, 1],
      ['measurements_default', 'DEFAULT', 1, 0],
    ]);
    expect(listOf(answer, 'indexes').map(({ index, partitioned }) => [index, partitioned])).toEqual([
      ['measurements_pkey', true],
      ['measurements_value', true],
    ]);
    expect(answer.findings).toEqual([expect.objectContaining({ object: '"partitions"."measurements_default"' })]);
    const cut = await howdah('plain').call('describe_table', { table: 'measurements', limit: 1 });
    expect(listOf(cut, 'partitions').map(({ table }) => table)).toEqual(['measurements_default']);
    expect(cut.not_examined).toEqual([expect.objectContaining({ what: '2 more of partitions' })]);
    const leaf = await howdah('plain').call('describe_table', { table: 'measurements_2025_one' });
    expect(relationOf(leaf)).toMatchObject({
      partition_of: 'partitions.measurements_2025',
      partition_bound: 'FOR VALUES IN (1)',
    });
    expect(leaf.findings).toEqual([]);
  });

  it('describes policies, and reports those that are not in force', async () => {
    const off = await howdah('plain').call('describe_table', { table: 'policy_off' });
    expect(claims(off)).toEqual([
      expect.stringMatching(/^warning: "security"\."policy_off" has policies, but its row security is off/),
    ]);
    const [list = '', warning, enable] = off.findings[0]?.next_step?.split('\n') ?? [];
    expect(await runAs(clone().superuserUrl, list)).toHaveLength(1);
    expect(warning).toMatch(/^-- .*vanish at once/);
    expect(enable).toBe('ALTER TABLE "security"."policy_off" ENABLE ROW LEVEL SECURITY;');
    const on = await howdah('plain').call('describe_table', { table: 'policy_on' });
    expect(relationOf(on)).toMatchObject({ row_security: 'on' });
    expect(listOf(on, 'policies')).toEqual([
      {
        policy: 'own',
        command: 'all',
        permissive: true,
        roles: ['public'],
        using: '(owner = CURRENT_USER)',
        with_check: null,
      },
    ]);
    expect(on.findings).toEqual([]);
  });

  it('reports autovacuum that is turned off, disabled triggers, constraints that were never checked', async () => {
    await runAs(
      clone().superuserUrl,
      'create table public.neglected (a integer) with (autovacuum_enabled = no)',
      'create trigger touch before update on public.neglected for each row execute function shop.touch()',
      'alter table public.neglected disable trigger touch',
      'alter table public.neglected add constraint "odd name" check (a > 0) not valid',
    );
    const answer = await howdah('plain').call('describe_table', { table: 'neglected' });
    expect(claims(answer)).toEqual([
      'warning: Autovacuum is turned off for "public"."neglected".',
      'warning: The trigger "touch" of "public"."neglected" is disabled.',
      'notice: "public"."neglected" has no primary key.',
      'notice: The constraint "odd name" of "public"."neglected" was never checked against the rows that were there before.',
    ]);
    expect(answer.findings.at(-1)?.next_step).toMatch(
      /^ALTER TABLE "public"\."neglected" VALIDATE CONSTRAINT "odd name"; -- .*SHARE UPDATE EXCLUSIVE/,
    );
  });

  it('describes inheritance, extended statistics and collations', async () => {
    await runAs(
      clone().superuserUrl,
      'create table public.ancestor (a integer, b integer, c text collate "C")',
      'create table public.heir () inherits (public.ancestor)',
      'create statistics public.together (ndistinct) on a, b from public.ancestor',
    );
    const answer = await howdah('plain').call('describe_table', { table: 'ancestor' });
    expect(answer['inheritance']).toEqual([{ parent: false, schema: 'public', table: 'heir' }]);
    expect(listOf(answer, 'statistics').map(({ statistics }) => statistics)).toEqual(['public.together']);
    expect(listOf(answer, 'columns').map(({ collation }) => collation)).toEqual([null, null, 'pg_catalog."C"']);
    const heir = await howdah('plain').call('describe_table', { table: 'heir' });
    expect(heir['inheritance']).toEqual([{ parent: true, schema: 'public', table: 'ancestor' }]);
  });

  it.each(['we.ird.Mixed Case', '"we.ird"."Mixed Case"', 'Mixed Case', '"Mixed Case"'])(
    'finds a table by %s',
    async (table) => {
      const answer = await howdah('plain').call('describe_table', { table });
      expect(relationOf(answer)).toMatchObject({ schema: 'we.ird', table: 'Mixed Case' });
      expect(listOf(answer, 'columns').map(({ column }) => column)).toEqual(['id', 'a"quote', 'semi;colon']);
    },
  );

  it.each([
    [{ table: 'SHOP.CUSTOMERS' }, 'customers'],
    [{ table: '"Order"', schema: 'shop' }, 'Order'],
    [{ table: 'shop.customers', schema: 'shop' }, 'customers'],
    [{ table: 'pg_class' }, 'pg_class'],
  ])('finds what is meant by %o', async (input, table) => {
    expect(relationOf(await howdah('plain').call('describe_table', input))).toMatchObject({ table });
  });

  it('asks for the schema when several tables have the name, and takes the one in public', async () => {
    await runAs(
      clone().superuserUrl,
      'create schema twin',
      'create table twin.twice (a integer)',
      'create table crm.twice (a integer)',
    );
    const outcome = await howdah('plain').attempt('describe_table', { table: 'twice' });
    expect(outcome).toMatchObject({
      ok: false,
      error: { code: 'INVALID_INPUT', hint: 'Name the schema too: "crm"."twice", "twin"."twice".' },
    });
    await runAs(clone().superuserUrl, 'create table public.twice (a integer)');
    expect(relationOf(await howdah('plain').call('describe_table', { table: 'twice' }))).toMatchObject({
      schema: 'public',
    });
  });

  it.each([
    ['custmers', 'Did you mean "shop"."customers"?'],
    ['shop.ordr', 'Did you mean "shop"."Order"?'],
    ['nothing like any of them', 'list_tables shows what there is.'],
    [`'; drop table x; --`, 'list_tables shows what there is.'],
  ])('has no relation %s', async (table, hint) => {
    const outcome = await howdah('plain').attempt('describe_table', { table });
    expect(outcome).toMatchObject({ ok: false, error: { code: 'NOT_FOUND', hint } });
  });

  it('shows the definition of a view with its constants, but not what looks like a secret', async () => {
    const paid = await howdah('plain').call('describe_table', { table: 'paid_orders' });
    expect(paid['definition']).toContain("'paid'::shop.order_status");
    const secret = randomBytes(12).toString('hex');
    await runAs(
      clone().superuserUrl,
      `create view public.remote as select 'host=db.example.org password=${secret}'::text as source`,
    );
    const remote = await howdah('superuser').call('describe_table', { table: 'remote' });
    expect(remote['definition']).toContain('host=db.example.org');
    expect(JSON.stringify(remote)).not.toContain(secret);
  });

  it.each(loginsOf(cluster))(
    'answers at once while the table is locked, without what would wait, for %s',
    async (login) => {
      await withSession(clone().superuserUrl, async (session) => {
        await session.query('begin');
        await session.query('lock table shop."Order", partitions.measurements_2024 in access exclusive mode');
        const startedAt = performance.now();
        const answer = await howdah(login).call('describe_table', { table: 'shop.Order' });
        expect(performance.now() - startedAt).toBeLessThan(1000);
        expect(relationOf(answer)).toMatchObject({ locked: true, rows: 4000 });
        expect(listOf(answer, 'columns').map(({ default: value }) => value)).toEqual(Array(9).fill(null));
        expect(listOf(answer, 'constraints').map(({ definition }) => definition)).toEqual(['PRIMARY KEY (id)', null]);
        expect(listOf(answer, 'indexes').map(({ index, definition }) => [index, definition])).toEqual([
          ['Order_pkey', null],
          ['order_customer', null],
        ]);
        const gaps = (answer.not_examined ?? [])
          .map(({ what }) => what)
          .filter((what) => !what.startsWith('how much of'));
        expect(gaps).toEqual(['exact sizes, defaults, checks and other expressions of "shop"."Order"']);
        const view = await howdah(login).call('describe_table', { table: 'paid_orders' });
        expect(view['definition']).toBeNull();
        expect(view.not_examined).toEqual([expect.objectContaining({ what: 'the definition of the view' })]);
        const parent = await howdah(login).call('describe_table', { table: 'measurements' });
        expect(listOf(parent, 'partitions').map(({ bound }) => bound === null)).toEqual([true, false, false]);
        expect(performance.now() - startedAt).toBeLessThan(2000);
      });
    },
  );
});

describeEachStandby('describe_table on a standby', (cluster) => {
  const clone = useClone(cluster);
  const standby = useHowdah(() => clone().standby ?? clone());

  it.each(LOGINS)('knows all but what only the primary counts, for %s', async (login) => {
    const answer = await standby(login).call('describe_table', { table: 'shop.Order' });
    expect(relationOf(answer)).toMatchObject({ rows: 4000, dead_rows: null, changed_since_analyze: null });
    expect(listOf(answer, 'columns')).toHaveLength(9);
    expect(answer.not_examined).toContainEqual(
      expect.objectContaining({ what: 'dead rows, last vacuum, last analyze' }),
    );
  });
});
