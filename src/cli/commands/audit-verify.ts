import { defineCommand, PURPOSE_OPTION } from '../command.ts';
import { CHECKPOINTS } from './audit-options.ts';

export const auditVerify = defineCommand({
  name: 'audit verify',
  group: 'Administer',
  summary: 'Check that the audit log is whole, and name the first broken link',
  positionals: [],
  options: {
    ...CHECKPOINTS,
    ...PURPOSE_OPTION,
  },
  examples: [
    { line: 'howdah audit verify', does: 'exit code 1 when something is broken' },
    {
      line: 'howdah audit verify --checkpoints /mnt/worm/checkpoints.jsonl',
      does: 'find also what was cut off at the end',
    },
  ],
  notes:
    'Keep its heads, or the file of checkpoints, elsewhere: only they show that the newest events were not cut off.',
  run: async (shell, { values }) => (await import('../read-audit.ts')).verify(shell, values),
});
