import { z } from 'zod';
import { defineTool, readParts, statementsOf } from '../kit/index.ts';
import { judgeReplay } from '../server/instance.ts';
import { judgeKeptWal } from './judge-standby.ts';
import { recovery, recoveryPrefetch, recoverySettings, walReceiver } from './recovery.ts';

const PARTS = { recovery, walReceiver, recoverySettings, recoveryPrefetch };

const A_PRIMARY = 'This server is a primary and replays nothing: replication_status shows its standbys.';

export default defineTool({
  name: 'standby_status',
  area: 'replication',
  title: 'This standby',
  description: 'On a standby: upstream, received and replayed WAL, lag, pauses, recovery target.',
  clusterWide: true,
  input: {},
  thresholds: {
    max_lag_s: z.number().min(0).default(60).describe('Warn when replay is further behind.'),
  },
  output: {
    note: z.string().nullable(),
    recovery: recovery.shape.nullable().describe('Null on a primary.'),
    receiver: walReceiver.shape.nullable().describe('Null when no WAL streams in.'),
    settings: recoverySettings.shape.nullable(),
    prefetch: recoveryPrefetch.shape.nullable().describe('PostgreSQL 15 on.'),
  },
  sees: [{ what: 'what the WAL receiver says', privilege: 'pg_read_all_stats' }],
  statements: statementsOf(PARTS),
  async run({ max_lag_s }, target) {
    const { facts, parts, unreadable } = await readParts(target, PARTS, {});
    const [here] = parts.recovery;
    const [settings] = parts.recoverySettings;
    return {
      note: here?.standby === false ? A_PRIMARY : null,
      recovery: here?.standby === true ? here : null,
      receiver: parts.walReceiver[0] ?? null,
      settings: settings ?? null,
      prefetch: parts.recoveryPrefetch[0] ?? null,
      facts,
      findings: [
        ...(here === undefined ? [] : judgeReplay(here, max_lag_s)),
        ...judgeKeptWal(here, settings, facts.service),
      ],
      not_examined: [...unreadable],
    };
  },
});
