import { defineCommand, PURPOSE_OPTION } from '../command.ts';

export const auditShow = defineCommand({
  name: 'audit show',
  group: 'Administer',
  summary: 'Show all that is on record of one call',
  positionals: ['<id>'],
  options: PURPOSE_OPTION,
  examples: [
    {
      line: 'howdah audit show 01a22dd9-7d50-7701-bfbe-3c51f61a0bec',
      does: 'by the call id of an answer or the id of an event',
    },
  ],
  run: async (shell, { positionals }) => (await import('../search-audit.ts')).show(shell, positionals[0] ?? ''),
});
