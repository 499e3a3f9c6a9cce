import { comment, type ConnectionFacts, type Finding } from '../kit/index.ts';
import type { Recovery, RecoverySettings } from './recovery.ts';

/**
 * Without a slot its primary may remove WAL that this standby still needs, and without an archive there is no other.
 * https://www.postgresql.org/docs/current/warm-standby.html#STREAMING-REPLICATION
 */
export function judgeKeptWal(
  recovery: Recovery | undefined,
  settings: RecoverySettings | undefined,
  service: ConnectionFacts['service'],
): Finding[] {
  // such a service keeps WAL in its own way
  if (service !== null || !settings || recovery?.standby !== true || recovery.receiving !== true) return [];
  if (settings.primary_slot_name !== null || settings.restore_command_set !== false) return [];
  return [
    {
      severity: 'notice',
      claim:
        'This standby has neither a slot nor an archive: cut off for longer than wal_keep_size of its primary lasts, it has to be made anew.',
      object: '"primary_slot_name"',
      evidence: { primary_slot_name: null, restore_command: false, receiving: true },
      why: 'https://www.postgresql.org/docs/current/warm-standby.html#STREAMING-REPLICATION-SLOTS',
      next_step: [
        '-- on the primary, how much WAL it keeps for everybody:',
        "SELECT name, setting, unit FROM pg_settings WHERE name IN ('wal_keep_size', 'wal_keep_segments', 'max_slot_wal_keep_size');",
        comment(
          'a slot keeps what is needed, and fills the disk of the primary while the standby is away unless max_slot_wal_keep_size ends it: SELECT pg_create_physical_replication_slot(…) there, primary_slot_name here',
        ),
      ].join('\n'),
    },
  ];
}
