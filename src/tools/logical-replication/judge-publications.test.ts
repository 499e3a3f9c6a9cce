import { describe, expect, it } from 'vitest';
import { judgePublications } from './judge-publications.ts';
import type { PublicationRow, UnusableTable } from './published-tables.ts';

const publication: PublicationRow = {
  publication: 'all "of" it',
  owner: 'postgres',
  all_tables: false,
  schemas: null,
  tables: 1,
  row_filters: 0,
  column_lists: 0,
  inserts: true,
  updates: true,
  deletes: true,
  truncates: true,
  via_root: false,
  generated_columns: null,
};
const table: UnusableTable = {
  schema: 'we.ird',
  table: 'Order',
  problem: 'no_identity',
  publications: [publication.publication, "it's"],
  updates: true,
  deletes: true,
  replica_identity: 'default',
  identity: null,
  primary_key: false,
  candidate: null,
  of_problem: 1,
  total_rows: 1,
};
const judge = (row: Partial<UnusableTable>) => judgePublications([publication], [{ ...table, ...row }]);

describe('a table whose UPDATE and DELETE fail', () => {
  it.each<[UnusableTable['problem'], string]>([
    ['no_identity', 'is published without a replica identity'],
    ['row_filter', 'is published with a row filter on columns that are not in its replica identity'],
    ['column_list', 'is published with a list of columns that lacks some of its replica identity'],
    ['generated_column', 'is published without the generated columns of its replica identity'],
  ])('is named, with what it lacks: %s', (problem, claim) => {
    expect(judge({ problem })).toMatchObject([
      {
        severity: 'warning',
        object: '"we.ird"."Order"',
        claim: `"we.ird"."Order" ${claim}: every UPDATE and DELETE of it fails.`,
        next_step: expect.stringMatching(/^SELECT .*;\n-- /),
      },
    ]);
  });

  it('takes what is not published', () => {
    expect(judge({ deletes: false })[0]?.claim).toMatch(/: every UPDATE of it fails\.$/);
    expect(judge({ updates: false })[0]?.claim).toMatch(/: every DELETE of it fails\.$/);
  });

  it('is given the identity that is there', () => {
    expect(judge({ primary_key: true })[0]?.next_step).toMatch(
      /^SET lock_timeout = '2s';\nALTER TABLE "we.ird"."Order" REPLICA IDENTITY DEFAULT; -- its primary key; takes ACCESS EXCLUSIVE on the table/,
    );
    expect(judge({ candidate: 'the "key"' })[0]?.next_step).toMatch(
      /^SET lock_timeout = '2s';\nALTER TABLE "we.ird"."Order" REPLICA IDENTITY USING INDEX "the ""key"""; -- takes ACCESS EXCLUSIVE/,
    );
  });

  it.each(['no_identity', 'row_filter'] as const)('learns of the lock that a new identity takes: %s', (problem) => {
    expect(judge({ problem })[0]?.next_step).toMatch(
      /REPLICA IDENTITY FULL; takes ACCESS EXCLUSIVE for a moment: SET lock_timeout = '2s'; first$/,
    );
  });

  it('is looked up by publications whose names stay names', () => {
    expect(judge({ problem: 'column_list' })[0]?.next_step).toContain(`ANY (ARRAY['all "of" it', 'it''s'])`);
  });

  it('is one of many', () => {
    const many = Array.from({ length: 6 }, (_, i) => ({ ...table, table: `t${i}`, of_problem: 3334 }));
    expect(judgePublications([], many)).toMatchObject([
      {
        claim: '3334 tables are published without a replica identity, so that every UPDATE or DELETE of them fails.',
        evidence: { count: 3334 },
      },
    ]);
  });
});

describe('a publication', () => {
  it.each<[string, Partial<PublicationRow>, number]>([
    ['has tables', {}, 0],
    ['has none', { tables: 0 }, 1],
    ['has all that will be', { tables: 0, all_tables: true }, 0],
    ['has those of a schema that will be', { tables: 0, schemas: ['shop'] }, 0],
  ])('that %s', (_, row, count) => {
    expect(judgePublications([{ ...publication, ...row }], [])).toHaveLength(count);
  });
});
