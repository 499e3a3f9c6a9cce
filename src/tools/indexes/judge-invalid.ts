import { comment, gather, quoteName, reindexLocking, type Finding, type NotExamined } from '../kit/index.ts';
import type { InvalidIndex } from './invalid-index.ts';

export const BUILT_ON_PRIMARY: NotExamined = {
  what: 'whether invalid indexes are being built right now',
  reason: 'This server is a standby, and only the primary shows the progress of builds.',
  remedy: 'Ask the primary, where they would be mended too.',
};

export function judgeInvalid(rows: readonly InvalidIndex[], inRecovery: boolean): Finding[] {
  return [
    ...gather(
      rows.filter(({ cause }) => cause !== 'partitioned').map((row) => judgeIndex(row, inRecovery)),
      (count) => `${count} indexes are invalid.`,
    ),
    ...gather(
      rows.filter(({ cause }) => cause === 'partitioned').map(judgeParent),
      (count) => `${count} indexes of partitioned tables are not valid as a whole.`,
    ),
  ];
}

const CLAIMS: Readonly<Record<Exclude<InvalidIndex['cause'], 'partitioned'>, string>> = {
  failed_build: 'is invalid: a concurrent build or drop of it did not finish',
  reindex_new: 'is what a failed REINDEX CONCURRENTLY left; the index that it should replace is still in use',
  reindex_old: 'is what REINDEX CONCURRENTLY could not drop; its replacement is in use',
  unfinished_drop: 'is invalid: DROP INDEX CONCURRENTLY did not finish',
};

function judgeIndex(invalid: InvalidIndex, inRecovery: boolean): Finding {
  const { schema, index, cause, valid, ready, live, size, unique, same_as, backs_constraint } = invalid;
  const object = quoteName(schema, index);
  const claim = cause === 'partitioned' ? '' : CLAIMS[cause];
  return {
    // a standby does not know whether it is being built
    severity: inRecovery ? 'notice' : 'warning',
    claim: `${object} ${claim}. No query uses it${ready ? ', and every write maintains it' : ''}.`,
    object,
    evidence: {
      valid,
      ready,
      live,
      size,
      ...(unique && { unique }),
      ...(same_as !== null && { same_as }),
      ...(backs_constraint !== null && { backs_constraint }),
    },
    why:
      cause === 'reindex_new' || cause === 'reindex_old'
        ? 'https://www.postgresql.org/docs/current/sql-reindex.html#SQL-REINDEX-CONCURRENTLY'
        : 'https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY',
    next_step: mendIndex(invalid, object),
  };
}

function mendIndex(
  { cause, unique, exclusion, same_as, backs_constraint, attached, toast_of }: InvalidIndex,
  object: string,
): string {
  const drop = `DROP INDEX CONCURRENTLY ${object};`;
  const undroppable = backs_constraint !== null || attached;
  if (!undroppable && cause === 'reindex_new') return `${drop} -- then REINDEX again`;
  if (!undroppable && (cause === 'reindex_old' || cause === 'unfinished_drop' || same_as !== null)) return drop;
  // https://www.postgresql.org/docs/current/sql-reindex.html: exclusion constraints cannot be reindexed concurrently
  if (exclusion) return reindexLocking(object);
  const first = unique ? '-- fails again while two rows have the same key\n' : '';
  const instead = undroppable || toast_of !== null ? '' : ` ${comment(`or, when it is not wanted: ${drop}`)}`;
  return `${first}REINDEX INDEX CONCURRENTLY ${object};${instead}`;
}

/** Normal for a while: CREATE INDEX ON ONLY leaves the parent invalid until every partition has its part attached. */
function judgeParent({
  schema,
  index,
  valid,
  partitions_without,
  first_without,
  backs_constraint,
}: InvalidIndex): Finding {
  const object = quoteName(schema, index);
  const without = partitions_without ?? 0;
  const partitions = `${without} ${without === 1 ? 'partition' : 'partitions'}`;
  return {
    severity: 'notice',
    claim:
      without > 0
        ? `${object} is not valid as a whole: ${partitions} of its table ${without === 1 ? 'has' : 'have'} no index attached to it.`
        : `${object} is not valid as a whole, though every partition has its part: one was invalid when it was attached.`,
    object,
    evidence: { valid, partitions_without, first_without, ...(backs_constraint !== null && { backs_constraint }) },
    why: 'https://www.postgresql.org/docs/current/ddl-partitioning.html#DDL-PARTITIONING-DECLARATIVE-MAINTENANCE',
    next_step:
      first_without === null
        ? `-- make the indexes of its partitions valid first: REINDEX INDEX CONCURRENTLY …;`
        : [
            comment(
              `for ${first_without}${without === 1 ? '' : ' and each of the others'}: CREATE INDEX CONCURRENTLY …; then`,
            ),
            comment(`ALTER INDEX ${object} ATTACH PARTITION …;`),
          ].join('\n'),
  };
}
