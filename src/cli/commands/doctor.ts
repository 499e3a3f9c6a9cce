import { defineCommand, PURPOSE_OPTION } from '../command.ts';

export const doctor = defineCommand({
  name: 'doctor',
  group: 'Administer',
  summary: 'Show what is reachable, missing or over-privileged, and the statements that fix it',
  positionals: ['[server]'],
  options: PURPOSE_OPTION,
  examples: [{ line: 'howdah doctor --config howdah.yaml', does: 'every server, and this machine' }],
  run: async (shell, { positionals: [server] }) => (await import('../doctor/run-doctor.ts')).runDoctor(shell, server),
});
