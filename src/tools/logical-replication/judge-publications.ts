import { comment, gather, lockBriefly, quoteIdentifier, quoteLiteral, quoteName, type Finding } from '../kit/index.ts';
import type { PublicationRow, UnusableTable } from './published-tables.ts';

const DOCS = 'https://www.postgresql.org/docs/current';

export function judgePublications(
  publications: readonly PublicationRow[],
  tables: readonly UnusableTable[],
): Finding[] {
  const kinds = Object.keys(PROBLEMS) as UnusableTable['problem'][];
  return [
    ...kinds.flatMap((kind) => judgeTables(kind, tables)),
    ...gather(publications.flatMap(judgeEmpty), (count) => `${count} publications have no tables.`),
  ];
}

/** Of more than were read, all are counted. */
function judgeTables(kind: UnusableTable['problem'], tables: readonly UnusableTable[]): Finding[] {
  const those = tables.filter(({ problem }) => problem === kind);
  const count = those[0]?.of_problem ?? 0;
  const findings = gather(
    those.map(judgeTable),
    () => `${PROBLEMS[kind].those(count)} so that every UPDATE or DELETE of them fails.`,
  );
  return findings.map((finding) =>
    'count' in finding.evidence ? { ...finding, evidence: { ...finding.evidence, count } } : finding,
  );
}

/** What changes a replica identity. */
const LOCKS = "takes ACCESS EXCLUSIVE for a moment: SET lock_timeout = '2s'; first";

interface Problem {
  /** Follows the name of the table. */
  readonly of: string;
  readonly those: (count: number) => string;
  readonly why: string;
  readonly step: (row: UnusableTable, object: string) => string;
}

const PROBLEMS: Readonly<Record<UnusableTable['problem'], Problem>> = {
  no_identity: {
    of: 'is published without a replica identity',
    those: (count) => `${count} tables are published without a replica identity,`,
    why: `${DOCS}/logical-replication-publication.html`,
    step: giveIdentity,
  },
  row_filter: {
    of: 'is published with a row filter on columns that are not in its replica identity',
    those: (count) =>
      `${count} tables are published with row filters on columns that are not in their replica identities,`,
    why: `${DOCS}/logical-replication-row-filter.html#LOGICAL-REPLICATION-ROW-FILTER-RESTRICTIONS`,
    step: ({ publications }, object) =>
      [
        `SELECT pubname, rowfilter FROM pg_publication_tables WHERE pubname = ANY (${publicationsArray(publications)});`,
        comment(
          `a filter on columns of the identity, a unique index with those of the filter as the identity, or, at the price of whole rows in WAL: ALTER TABLE ${object} REPLICA IDENTITY FULL; ${LOCKS}`,
        ),
      ].join('\n'),
  },
  column_list: {
    of: 'is published with a list of columns that lacks some of its replica identity',
    those: (count) => `${count} tables are published with lists of columns that lack some of their replica identities,`,
    why: `${DOCS}/logical-replication-col-lists.html`,
    step: ({ publications }) =>
      [
        `SELECT pubname, schemaname, tablename, attnames FROM pg_publication_tables WHERE pubname = ANY (${publicationsArray(publications)});`,
        '-- the list needs all columns of the identity; with REPLICA IDENTITY FULL there can be no list: ALTER PUBLICATION … SET TABLE … (…)',
      ].join('\n'),
  },
  generated_column: {
    of: 'is published without the generated columns of its replica identity',
    those: (count) => `${count} tables are published without the generated columns of their replica identities,`,
    why: `${DOCS}/logical-replication-gencols.html`,
    step: ({ publications }) =>
      [
        `SELECT pubname, pubgencols FROM pg_publication WHERE pubname = ANY (${publicationsArray(publications)});`,
        ...publications.map((name) =>
          comment(
            `when subscribers have the column as an ordinary one: ALTER PUBLICATION ${quoteIdentifier(name)} SET (publish_generated_columns = stored);`,
          ),
        ),
      ].join('\n'),
  },
};

function judgeTable(row: UnusableTable): Finding {
  const { schema, table, problem, publications, updates, deletes, replica_identity, identity, primary_key } = row;
  const object = quoteName(schema, table);
  const { of, why, step } = PROBLEMS[problem];
  return {
    severity: 'warning',
    claim: `${object} ${of}: every ${updates ? `UPDATE${deletes ? ' and DELETE' : ''}` : 'DELETE'} of it fails.`,
    object,
    evidence: {
      publications: publications.join(', '),
      replica_identity,
      identity: identity?.join(', ') ?? null,
      primary_key,
    },
    why,
    next_step: step(row, object),
  };
}

/** With FULL, the whole old row is written to WAL, and subscribers search the table for it. */
function giveIdentity({ primary_key, candidate }: UnusableTable, object: string): string {
  const alter = `ALTER TABLE ${object} REPLICA IDENTITY`;
  if (primary_key) return lockBriefly(`${alter} DEFAULT;`, 'the table', 'its primary key');
  if (candidate !== null) return lockBriefly(`${alter} USING INDEX ${quoteIdentifier(candidate)};`, 'the table');
  return [
    `SELECT relname, relreplident FROM pg_class WHERE oid = ${quoteLiteral(object)}::regclass;`,
    comment(
      `best a primary key; where rows are only inserted, nothing; else, at the price of whole rows in WAL and slow changes on subscribers: ${alter} FULL; ${LOCKS}`,
    ),
  ].join('\n');
}

/** One of schemas or of all tables has what will be created. */
function judgeEmpty({ publication, owner, all_tables, schemas, tables }: PublicationRow): Finding[] {
  if (all_tables || schemas !== null || tables > 0) return [];
  const object = quoteIdentifier(publication);
  return [
    {
      severity: 'notice',
      claim: `The publication ${object} has no tables, so that its subscribers get nothing.`,
      object,
      evidence: { owner, tables },
      why: `${DOCS}/sql-alterpublication.html`,
      next_step: [
        `SELECT * FROM pg_publication WHERE pubname = ${quoteLiteral(publication)};`,
        comment(`give it tables, or, when no subscription names it: DROP PUBLICATION ${object};`),
      ].join('\n'),
    },
  ];
}

function publicationsArray(names: readonly string[]): string {
  return `ARRAY[${names.map(quoteLiteral).join(', ')}]`;
}
