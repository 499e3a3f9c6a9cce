/** What the diagnostics of other areas look at, of one table. */
import { z } from 'zod';
import { duplicateIndex, duplicateIndexesOf } from '../indexes/duplicate-index.ts';
import { invalidIndex, invalidIndexesOf } from '../indexes/invalid-index.ts';
import { judgeDuplicates } from '../indexes/judge-duplicates.ts';
import { judgeUnservedKeys, WARN_SIZE } from '../indexes/judge-foreign-keys.ts';
import { BUILT_ON_PRIMARY, judgeInvalid } from '../indexes/judge-invalid.ts';
import { unservedKey, unservedKeysOf } from '../indexes/unserved-key.ts';
import {
  byServerVersion,
  definePart,
  quoteIdentifier,
  quoteName,
  sql,
  type ConnectionFacts,
  type Finding,
  type NotExamined,
  type RowOf,
} from '../kit/index.ts';
import { CRITICAL_PERCENT, judgeGaps, judgeSequences } from '../sequences/judge-sequences.ts';
import { about, row } from '../sequences/sequence-row.ts';
import { usedSequences } from '../sequences/used-sequences.ts';
import { ESTIMATE_SIZES, OID } from './relation.ts';

const counted = { total_rows: z.int() };
const ofTable = { among: sql`i.indrelid = ${OID}`, limit: sql`500`, estimateSizes: ESTIMATE_SIZES };

export const invalid = definePart({
  what: 'invalid indexes',
  row: { ...invalidIndex, ...counted },
  sql: byServerVersion({ 12: invalidIndexesOf(ofTable) }),
});

export const duplicates = definePart({
  what: 'duplicate indexes',
  row: { ...duplicateIndex, ...counted },
  sql: byServerVersion({ 12: duplicateIndexesOf({ ...ofTable, minSize: sql`0` }) }),
});

export const unserved = definePart({
  what: 'foreign keys that no index serves',
  row: { ...unservedKey, ...counted },
  sql: unservedKeysOf({
    ...ofTable,
    // those that PostgreSQL adds for partitions have a parent with the same table at this end
    among: sql`${OID} in (k.conrelid, k.confrelid)
           and not exists (
             select from pg_catalog.pg_constraint p
              where p.oid = k.conparentid
                and case when k.conrelid = ${OID} then p.conrelid = k.conrelid else p.confrelid = k.confrelid end)`,
    minRows: sql`0`,
  }),
});

export const sequences = definePart({
  what: 'sequences of its columns',
  row: { ...row, ...about, ...counted },
  sql: byServerVersion({
    12: usedSequences({
      ...ofTable,
      among: sql`c.oid in (
               select d.objid
                 from pg_catalog.pg_depend d
                where d.classid = 'pg_catalog.pg_class'::regclass and d.refclassid = 'pg_catalog.pg_class'::regclass
                  and d.refobjid = ${OID} and d.refobjsubid > 0 and d.deptype in ('a', 'i')
               union all
               select d.refobjid
                 from pg_catalog.pg_attrdef f
                 join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_attrdef'::regclass and d.objid = f.oid
                                            and d.refclassid = 'pg_catalog.pg_class'::regclass
                where f.adrelid = ${OID})`,
    }),
  }),
});

interface Health {
  readonly invalid: readonly RowOf<typeof invalid>[];
  readonly duplicates: readonly RowOf<typeof duplicates>[];
  readonly unserved: readonly RowOf<typeof unserved>[];
  readonly sequences: readonly RowOf<typeof sequences>[];
}

export function judgeHealth(parts: Health, { inRecovery }: ConnectionFacts, maxSequencePercent: number): Finding[] {
  return [
    ...judgeSequences(parts.sequences, {
      warn_percent: maxSequencePercent,
      critical_percent: Math.max(maxSequencePercent, CRITICAL_PERCENT),
    }),
    ...judgeUnservedKeys(parts.unserved, WARN_SIZE),
    ...judgeInvalid(parts.invalid, inRecovery),
    ...judgeDuplicates(parts.duplicates),
  ];
}

export function healthGaps(parts: Health, { inRecovery, role }: ConnectionFacts): NotExamined[] {
  const hidden = parts.sequences
    .filter(({ unreadable }) => unreadable === 'right')
    .map(({ schema, sequence }) => quoteName(schema, sequence));
  const [first] = parts.sequences;
  return [
    ...(hidden.length === 0
      ? []
      : [
          {
            what: `how much of ${hidden.join(', ')} is used`,
            reason: 'The login may not read them.',
            remedy: `GRANT SELECT ON SEQUENCE ${hidden.join(', ')} TO ${quoteIdentifier(role.name)};`,
          },
        ]),
    ...(first ? judgeGaps({ ...first, without_right: 0 }, role.name) : []),
    ...(inRecovery && parts.invalid.length > 0 ? [BUILT_ON_PRIMARY] : []),
  ];
}
