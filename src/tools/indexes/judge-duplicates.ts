import { comment, gather, lockBriefly, quoteIdentifier, quoteName, type Finding } from '../kit/index.ts';
import type { DuplicateIndex } from './duplicate-index.ts';

export function judgeDuplicates(rows: readonly DuplicateIndex[]): Finding[] {
  return [
    ...gather(
      rows.filter(({ overlap }) => overlap === 'duplicate').map(judge),
      (many) => `${many} indexes duplicate others.`,
    ),
    ...gather(
      rows.filter(({ overlap }) => overlap === 'prefix').map(judge),
      (many) => `${many} indexes hold only the first keys of others.`,
    ),
  ];
}

function judge(needless: DuplicateIndex): Finding {
  const { schema, table, index, overlap, clustered, partitions, size, kept_size, scans, kept_scans, table_writes } =
    needless;
  const object = quoteName(schema, index);
  const kept = quoteName(schema, needless.kept);
  const steps = [
    ...(clustered ? [`ALTER TABLE ${quoteName(schema, table)} CLUSTER ON ${quoteIdentifier(needless.kept)};`] : []),
    // the parent of partitions cannot be dropped concurrently
    partitions === null
      ? `DROP INDEX CONCURRENTLY ${object};`
      : lockBriefly(`DROP INDEX ${object};`, 'the table and its partitions'),
    // unused_indexes may list the other one: who follows both would lose both
    ...(scans > kept_scans ? [comment(`keep ${kept}, which takes over, though it was scanned less so far`)] : []),
  ];
  return {
    severity: overlap === 'duplicate' ? 'warning' : 'notice',
    claim:
      overlap === 'duplicate'
        ? `${object} is a duplicate of ${kept}.`
        : `${object} holds the first keys of ${kept}, which serves the same queries.`,
    object,
    evidence: {
      size,
      kept_size,
      scans,
      kept_scans,
      table_writes,
      ...(clustered && { clustered }),
    },
    why: 'https://www.postgresql.org/docs/current/indexes-multicolumn.html',
    next_step: steps.join('\n'),
  };
}
