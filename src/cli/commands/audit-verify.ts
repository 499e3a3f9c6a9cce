import { defineCommand, PURPOSE_OPTION } from '../command.ts';

export const auditVerify = defineCommand({
  name: 'audit verify',
  group: 'Administer',
  summary: 'Check that the audit log is whole, and name the first broken link',
  positionals: [],
  options: PURPOSE_OPTION,
  examples: [{ line: 'howdah audit verify', does: 'exit code 1 when something is broken' }],
  notes: 'Keep the heads that it prints elsewhere: only they show that the newest events were not cut off.',
  run: async (shell) => (await import('../read-audit.ts')).verify(shell),
});
