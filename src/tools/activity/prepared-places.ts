import { z } from 'zod';
import {
  byServerVersion,
  changeSettings,
  definePart,
  sql,
  type ConnectionFacts,
  type Finding,
  type RowOf,
} from '../kit/index.ts';

export const places = definePart({
  what: 'how many transactions may be prepared',
  row: { prepared: z.int().min(0), max_prepared_transactions: z.int().min(0) },
  sql: byServerVersion({
    12: sql`
      select (select pg_catalog.count(*) from pg_catalog.pg_prepared_xacts) as prepared,
             pg_catalog.current_setting('max_prepared_transactions')::integer as max_prepared_transactions`,
  }),
});

/** Of `max_prepared_transactions`; at 100 PREPARE TRANSACTION fails. */
const NEARLY_FULL_PERCENT = 90;

export function judgePlaces(row: RowOf<typeof places> | undefined, service: ConnectionFacts['service']): Finding[] {
  if (!row || row.max_prepared_transactions === 0) return [];
  const { prepared: taken, max_prepared_transactions: most } = row;
  if (100 * taken < NEARLY_FULL_PERCENT * most) return [];
  return [
    {
      severity: 'warning',
      claim: `${taken} of at most ${most} transactions are prepared.`,
      object: '"max_prepared_transactions"',
      evidence: { ...row },
      why: 'https://www.postgresql.org/docs/current/runtime-config-resource.html#GUC-MAX-PREPARED-TRANSACTIONS',
      next_step: [
        'SELECT gid, prepared, owner, database FROM pg_prepared_xacts ORDER BY prepared;',
        '-- when none of them was forgotten:',
        changeSettings(service, [
          {
            name: 'max_prepared_transactions',
            value: String(2 * most),
            restart: true,
            note: 'first on standbys, and not above max_connections without need',
          },
        ]),
      ].join('\n'),
    },
  ];
}
