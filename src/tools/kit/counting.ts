import { z } from 'zod';
import type { NotExamined } from '../../contract/finding.ts';
import { sql, type Sql } from '../../postgres/sql.ts';
import { countedSince } from './counted-since.ts';

/** What the counters of tables and indexes of a database are worth. */
export const aboutCounting = {
  counted_since: z.iso.datetime().nullable().describe('When the counters were last reset, as far as is known.'),
  counted_s: z.number().nullable().meta({ unit: 's' }),
  track_counts: z.boolean().describe('Whether anything is counted now.'),
};
export type AboutCounting = z.output<z.ZodObject<typeof aboutCounting>>;

/** Selects one row with the columns of `aboutCounting`. */
export const counting = sql`
         select w.counted_since, w.counted_s, pg_catalog.current_setting('track_counts')::boolean as track_counts
           from ${countedSince} w`;

/** Of a counter, the mean since it counts; null where nobody knows since when. */
export function perSecond(count: Sql, seconds: Sql): Sql {
  // whole numbers would be divided as such
  return sql`pg_catalog.round((${count})::numeric / nullif(greatest(${seconds}, 0), 0)::numeric, 3)`;
}

/** What counters cannot tell where they do not count. */
export function notCounting(about: Pick<AboutCounting, 'track_counts'> | null): NotExamined[] {
  if (about?.track_counts !== false) return [];
  return [
    {
      what: 'what happens now',
      reason: 'track_counts is off, so that nothing is counted, and autovacuum comes only against wraparound.',
      remedy: 'autovacuum_status says where it is turned off.',
    },
  ];
}
