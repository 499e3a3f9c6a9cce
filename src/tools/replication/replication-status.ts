import { z } from 'zod';
import { defineTool, readParts, statementsOf, tellWithheld, type Finding } from '../kit/index.ts';
import { judgeSlots } from '../server/judge-slots.ts';
import { archiver, judgeArchiver } from '../server/replication.ts';
import { judgeConflicts } from './judge-conflicts.ts';
import { judgeReplay } from '../server/instance.ts';
import { judgeStandbys, judgeSubscriptions, judgeSynchronous } from './judge-replication.ts';
import { publications, subscriptions } from './logical.ts';
import { conflicts, position, receiver } from './position.ts';
import { slots, standbys } from './senders.ts';

const PARTS = { position, receiver, standbys, slots, archiver, conflicts, publications, subscriptions };

/** Those of many rows. */
const LISTS = ['standbys', 'slots', 'conflicts', 'publications', 'subscriptions'] as const;

export default defineTool({
  name: 'replication_status',
  area: 'replication',
  title: 'Replication',
  description: 'Standbys and their lag, slots and their WAL, archiving, own replay, publications, subscriptions.',
  alsoKnownAs: { get_replication_status: {} },
  input: {
    limit: z.int().min(1).max(500).default(50),
  },
  thresholds: {
    max_slot_size: z.int().min(0).default(1_073_741_824).describe('Warn of slots that keep more WAL, in bytes.'),
    max_lag_s: z.number().min(0).default(60).describe('Warn of standbys that are further behind.'),
    max_lag_size: z.int().min(0).default(1_073_741_824).describe('The same in bytes.'),
  },
  output: {
    position: position.shape.nullable(),
    receiver: receiver.shape.nullable().describe('Of WAL from upstream, on a standby.'),
    standbys: z.array(standbys.shape).describe('Those furthest behind first.'),
    slots: z.array(slots.shape).describe('Those that keep most WAL first.'),
    archiver: archiver.shape.nullable(),
    conflicts: z.array(conflicts.shape).describe('Databases in which replay cancelled queries, on a standby.'),
    publications: z.array(publications.shape).describe('Of the database that is asked.'),
    subscriptions: z.array(subscriptions.shape),
    truncated: z.boolean().describe('Whether a list was cut.'),
  },
  sees: [
    {
      what: 'addresses, states and lags of standbys, and what the WAL receiver says',
      privilege: 'pg_read_all_stats',
    },
  ],
  statements: statementsOf(PARTS),
  async run({ limit, ...thresholds }, target, { persona }) {
    const { facts, parts, unreadable, withheld } = await readParts(target, PARTS, { limit: limit + 1 });
    const [here] = parts.position;
    const lists = {
      standbys: parts.standbys.slice(0, limit),
      slots: parts.slots.slice(0, limit),
      conflicts: parts.conflicts.slice(0, limit),
      publications: parts.publications.slice(0, limit),
      subscriptions: parts.subscriptions.slice(0, limit),
    };
    const standby = here?.standby === true;
    const wholeList = parts.standbys.length <= limit && !withheld.has(standbys.what);
    const findings: Finding[] = [
      ...(here === undefined ? [] : judgeReplay(here, thresholds.max_lag_s)),
      ...(wholeList ? judgeSynchronous(here, parts.standbys) : []),
      ...judgeArchiver(parts.archiver[0]),
      ...judgeSlots(lists.slots, thresholds.max_slot_size),
      ...judgeStandbys(lists.standbys, thresholds.max_lag_s, thresholds.max_lag_size),
      ...judgeSubscriptions(lists.subscriptions, standby),
      ...(here?.standby === true ? judgeConflicts(lists.conflicts, { ...here, service: facts.service }) : []),
    ];
    return {
      position: here ?? null,
      receiver: parts.receiver[0] ?? null,
      ...lists,
      archiver: parts.archiver[0] ?? null,
      truncated: LISTS.some((list) => parts[list].length > limit),
      facts,
      findings,
      not_examined: [
        ...tellWithheld(
          [...withheld.values()].reduce((sum, count) => sum + count, 0),
          persona.name,
          [...withheld.keys()],
        ),
        ...unreadable,
      ],
    };
  },
});
