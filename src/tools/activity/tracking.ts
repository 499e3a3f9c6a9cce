import { z } from 'zod';
import {
  byServerVersion,
  changeSettings,
  definePart,
  sql,
  type ConnectionFacts,
  type NotExamined,
  type RowOf,
} from '../kit/index.ts';

/** https://www.postgresql.org/docs/current/runtime-config-statistics.html#GUC-TRACK-ACTIVITIES */
export const tracking = definePart({
  what: 'whether sessions are tracked',
  row: { track_activities: z.boolean() },
  sql: byServerVersion({
    12: sql`select pg_catalog.current_setting('track_activities')::boolean as track_activities`,
  }),
});

/** Without it sessions have no state, no times and no statement. */
export function notTracked(row: RowOf<typeof tracking> | undefined, { service }: ConnectionFacts): NotExamined[] {
  if (row?.track_activities !== false) return [];
  return [
    {
      what: 'states, times and statements of sessions',
      reason: 'track_activities is off.',
      remedy: changeSettings(service, [{ name: 'track_activities', value: 'on' }]),
    },
  ];
}
