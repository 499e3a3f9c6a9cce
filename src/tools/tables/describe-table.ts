import { z } from 'zod';
import { PlatformError } from '../../core/errors.ts';
import { WARN_PERCENT } from '../sequences/judge-sequences.ts';
import { row } from '../sequences/sequence-row.ts';
import { COUNTED_ON_PRIMARY } from './measure.ts';
import {
  defineTool,
  nameInput,
  quoteName,
  readParts,
  schemaInput,
  statementsOf,
  type NotExamined,
  type RowOf,
} from '../kit/index.ts';
import {
  dependents,
  inheritance,
  judgeAttachments,
  partitions,
  policies,
  statistics,
  triggers,
} from './attachments.ts';
import { columns } from './columns.ts';
import { columnsOfTables, listColumns, listedTables } from './columns-of-tables.ts';
import { constraints, foreignKeys, judgeConstraints } from './constraints.ts';
import { candidates, findRelation, names } from './find-relation.ts';
import { definition, judgeRelation, relation, type Relation } from './relation.ts';
import { duplicates, healthGaps, invalid, judgeHealth, sequences, unserved } from './table-health.ts';
import { findSensitive, sensitiveColumn } from './sensitivity.ts';
import { indexes } from './table-indexes.ts';

const PARTS = {
  relation,
  definition,
  columns,
  constraints,
  foreignKeys,
  indexes,
  invalid,
  duplicates,
  unserved,
  sequences,
  partitions,
  inheritance,
  triggers,
  policies,
  statistics,
  dependents,
};

const argumentNames = { database_name: 'database', table_name: 'table', schema_name: 'schema' };
/** The same table, seen from its own keys and from those that point to it. */
const foreignKey = foreignKeys.shape.omit({ outgoing: true });

const index = indexes.shape.extend({
  covered_by: z.string().nullable().describe('An index that does all that this one does.'),
});

const sequence = z.object(row);

const described = {
  relation: relation.shape,
  definition: definition.shape.shape.definition,
  columns: z.array(columns.shape),
  total_columns: z.int().min(0).describe('That have the name that was asked for.'),
  sensitive: z.array(sensitiveColumn),
  constraints: z.array(constraints.shape),
  references: z.array(foreignKey),
  referenced_by: z.array(foreignKey),
  indexes: z.array(index),
  sequences: z.array(sequence),
  partitions: z.array(partitions.shape),
  inheritance: z.array(inheritance.shape),
  triggers: z.array(triggers.shape),
  policies: z.array(policies.shape),
  statistics: z.array(statistics.shape),
  dependents: z.array(dependents.shape),
};

/** Of the entries of a long list. */
const MOST = 500;

export default defineTool({
  name: 'describe_table',
  area: 'tables',
  accessClass: 'schema',
  title: 'Table',
  description:
    'A table or view: columns, keys, indexes, partitions, triggers, policies, sizes; without one, all with columns.',
  alsoKnownAs: { get_table_schema_info: argumentNames },
  input: {
    table: z.string().min(1).max(300).optional().describe('orders, sales.orders or sales."Order".'),
    schema: schemaInput,
    column: nameInput.describe('Of a table with very many columns, these.'),
    limit: z.int().min(1).max(MOST).default(50).describe('Of partitions, referencing keys and other long lists.'),
    max_columns: z.int().min(1).max(1600).default(200),
  },
  seldom: ['column', 'max_columns'],
  thresholds: {
    max_sequence_percent: z
      .number()
      .min(0)
      .max(100)
      .default(WARN_PERCENT)
      .describe('Warn when more of a sequence is used up.'),
  },
  output: { ...z.object(described).partial().shape, ...listedTables },
  statements: statementsOf({ candidates, names, ...PARTS, columnsOfTables }),
  async run(input, target) {
    if (input.table === undefined) return listColumns(target, input.schema, input.limit);
    const { oid } = await findRelation(target, input.table, input.schema);
    const { parts, unreadable, facts } = await readParts(target, PARTS, {
      oid,
      limit: target.withheld.rules ? MOST : input.limit, // what is hidden is taken out behind the limit
      column: input.column ?? null,
    });
    const [found] = parts.relation;
    if (!found) throw unavailable(unreadable, input.table);
    const outgoing = parts.foreignKeys.filter((key) => key.outgoing);
    const lists = {
      partitions: parts.partitions.slice(0, input.limit),
      referenced_by: parts.foreignKeys.filter((key) => !key.outgoing).slice(0, input.limit),
      dependents: parts.dependents.slice(0, input.limit),
    };
    const lengths = {
      partitions: lists.partitions.length,
      referenced_by: lists.referenced_by.length,
      dependents: lists.dependents.length,
    };
    const shownColumns = parts.columns.slice(0, input.max_columns);
    // the server counts what is hidden from the caller
    const described = target.withheld.rules ? { ...found, ...lengths } : found;
    return {
      relation: described,
      definition: parts.definition[0]?.definition ?? null,
      columns: shownColumns,
      total_columns: parts.columns.length,
      sensitive: findSensitive(shownColumns),
      constraints: [...parts.constraints],
      references: outgoing.map((key) => foreignKey.parse(key)),
      referenced_by: lists.referenced_by.map((key) => foreignKey.parse(key)),
      indexes: parts.indexes.map((each) => {
        const needless = parts.duplicates.find((duplicate) => duplicate.index === each.index);
        return { ...each, covered_by: needless?.kept ?? null };
      }),
      sequences: parts.sequences.map((each) => sequence.parse(each)),
      partitions: lists.partitions,
      inheritance: parts.inheritance.slice(0, input.limit),
      triggers: parts.triggers.slice(0, input.limit),
      policies: parts.policies.slice(0, input.limit),
      statistics: parts.statistics.slice(0, input.limit),
      dependents: lists.dependents,
      facts,
      findings: [
        ...judgeRelation(described),
        ...judgeHealth(parts, facts, input.max_sequence_percent),
        ...judgeConstraints(parts.constraints, parts.foreignKeys, described),
        ...judgeAttachments(described, parts),
      ],
      not_examined: [
        ...unreadable,
        ...(target.withheld.rules ? perhapsCutOff(lengths, input.limit) : cutOff(described, lengths)),
        ...cutColumns(parts.columns.length, shownColumns.length),
        ...behindLock(described, parts.definition[0]),
        ...(facts.inRecovery ? [COUNTED_ON_PRIMARY] : []),
        ...healthGaps(parts, facts),
      ],
    };
  },
});

/** It was there a moment ago. */
function unavailable([gap]: readonly NotExamined[], table: string): PlatformError {
  if (gap) return new PlatformError('QUERY_FAILED', gap.reason, { hint: gap.remedy });
  return new PlatformError('NOT_FOUND', `The relation ${JSON.stringify(table)} has just been dropped.`);
}

const LISTS = ['partitions', 'referenced_by', 'dependents'] as const;
type Counts = Pick<Relation, (typeof LISTS)[number]>;

function cutOff(counts: Counts, shown: Counts): NotExamined[] {
  return LISTS.filter((list) => shown[list] > 0 && shown[list] < counts[list]).map((list) => ({
    what: `${counts[list] - shown[list]} more of ${list}`,
    reason: `The list ends at ${shown[list]} of ${counts[list]}.`,
    remedy: 'Ask with a higher limit.',
  }));
}

function perhapsCutOff(shown: Counts, limit: number): NotExamined[] {
  return LISTS.filter((list) => shown[list] >= limit).map((list) => ({
    what: `perhaps more of ${list}`,
    reason: `The list ends at ${limit}, and counting the others would count what is hidden from you.`,
    remedy: 'Ask with a higher limit.',
  }));
}

function cutColumns(total: number, shown: number): NotExamined[] {
  if (shown >= total) return [];
  return [
    {
      what: `${total - shown} more columns`,
      reason: `The list ends at ${shown} of ${total}.`,
      remedy: 'Ask with `column` for those of a name, or with a higher `max_columns`.',
    },
  ];
}

function behindLock({ schema, table, locked }: Relation, view: RowOf<typeof definition> | undefined): NotExamined[] {
  const name = quoteName(schema, table);
  const what = [
    ...(locked ? [`exact sizes, defaults, checks and other expressions of ${name}`] : []),
    ...(view?.definition === null ? ['the definition of the view'] : []),
  ];
  return what.map((each) => ({
    what: each,
    reason: 'A session holds or awaits an exclusive lock, and reading them would wait.',
    remedy: 'activity shows who blocks whom.',
  }));
}
