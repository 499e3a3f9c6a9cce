import { z } from 'zod';
import { defineDiagnostic } from '../kit/index.ts';
import { judgeReplicationSlots } from './judge-replication-slots.ts';
import { aboutSlots, slotRow, slotsByVersion } from './slot-row.ts';

export default defineDiagnostic({
  name: 'replication_slots',
  area: 'replication',
  title: 'Replication slots',
  description: 'Every replication slot: WAL and rows that it keeps, who uses it, what it has lost or is about to.',
  clusterWide: true,
  input: {},
  thresholds: {
    max_slot_size: z.int().min(0).default(1_073_741_824).describe('Warn of slots that keep more WAL, in bytes.'),
    min_safe_percent: z
      .number()
      .min(0)
      .max(100)
      .default(20)
      .describe('Warn of slots that have less of max_slot_wal_keep_size left.'),
  },
  row: slotRow,
  about: aboutSlots,
  counted: true,
  sql: () => slotsByVersion,
  sees: [{ what: 'addresses of those who use slots, and standbys', privilege: 'pg_read_all_stats' }],
  findings: judgeReplicationSlots,
});
