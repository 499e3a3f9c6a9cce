import { defineCommand, PURPOSE_OPTION } from '../command.ts';

export const auditStatement = defineCommand({
  name: 'audit statement',
  group: 'Administer',
  summary: 'Show the exact statement of a call, with its parameters',
  positionals: ['<call>'],
  options: PURPOSE_OPTION,
  examples: [{ line: 'howdah audit statement 01a22dd9-7d50-7701-bfbe-3c51f61a0bec', does: 'what that call ran' }],
  notes: 'The log has the statement without its constants. That somebody read the exact one is on record too.',
  run: async (shell, { positionals: [callId] }) =>
    (await import('../administer-audit.ts')).showStatement(shell, callId),
});
