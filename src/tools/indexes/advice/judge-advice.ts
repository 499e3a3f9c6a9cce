import { comment, gather, quoteIdentifier, quoteName, type Finding } from '../../kit/index.ts';
import type { AdvisedIndex } from './advise.ts';
import { definitionOf } from './candidate.ts';

/** An index is worth a warning from this share of the cost of its statements on. */
const WARN_PERCENT = 50;
/** Entries written for each row that the table has, beyond which an index is a burden to be weighed. */
const MANY_WRITES_PER_ROW = 1;

export function judgeAdvice(indexes: readonly AdvisedIndex[]): Finding[] {
  const [proven, guessed] = [indexes.filter((each) => each.proven), indexes.filter((each) => !each.proven)];
  return [
    ...proven.map(judge),
    ...gather(guessed.map(judge), (count) => `${count} indexes may help; none of them is proven.`),
  ];
}

/** How much less the statements that it is for would cost; null where that is not proven. */
export function savedPercent({ costBefore, costAfter }: AdvisedIndex): number | null {
  if (costBefore === null || costAfter === null || costBefore === 0) return null;
  return Number((((costBefore - costAfter) / costBefore) * 100).toFixed(1));
}

function judge(index: AdvisedIndex): Finding {
  const { candidate, helps, size, writes, endsHotUpdates, proven } = index;
  const object = quoteName(candidate.table.schema, candidate.table.name);
  const saved = savedPercent(index);
  const many = `${helps.length} ${helps.length === 1 ? 'statement' : 'statements'}`;
  return {
    severity: saved !== null && saved >= WARN_PERCENT ? 'warning' : 'notice',
    claim: proven
      ? `An index on ${object} for ${candidate.purpose} takes part in plans of ${many} that cost ${saved} % less.`
      : `An index on ${object} for ${candidate.purpose} may help ${many}; that is not proven.`,
    object,
    evidence: {
      statements: helps.length,
      ...(proven && { cost_before: rounded(index.costBefore), cost_after: rounded(index.costAfter) }),
      size,
      rows: Math.round(candidate.table.rows),
      writes,
      ...(endsHotUpdates && { ends_hot_updates: true }),
    },
    why: `https://www.postgresql.org/docs/current/${WHY[candidate.method]}.html`,
    next_step: nextStep(index),
  };
}

const WHY = { btree: 'indexes-multicolumn', gin: 'gin', gist: 'gist' } as const;

function rounded(cost: number | null): number | null {
  return cost === null ? null : Number(cost.toPrecision(6));
}

function nextStep({ candidate, proven, replaces, writes, endsHotUpdates }: AdvisedIndex): string {
  const { table } = candidate;
  const create = (concurrently: boolean) => `${definitionOf(candidate, concurrently)};`;
  const isWritten = writes !== null && writes > table.rows * MANY_WRITES_PER_ROW;
  return [
    ...(proven ? [] : [comment('not proven: see on a copy whether plans use it, or install HypoPG')]),
    ...(table.kind === 'partitioned table'
      ? [
          comment(
            'beside the writes: CREATE INDEX CONCURRENTLY on each partition, and ON ONLY the table, with ALTER INDEX … ATTACH PARTITION',
          ),
          comment(`all at once, with writes locked out until every partition has it: ${create(false)}`),
        ]
      : [create(true)]),
    ...replaces.map(({ name }) =>
      comment(`then, as the new one does what it does: DROP INDEX CONCURRENTLY ${quoteName(table.schema, name)};`),
    ),
    ...(isWritten
      ? [comment(`its table is written to often: see whether ${quoteIdentifier(table.name)} can afford one index more`)]
      : []),
    ...(endsHotUpdates ? [comment('updates that wrote to no index so far would have to write to all of them')] : []),
  ].join('\n');
}
