import { defineCommand } from '../command.ts';

export const keyCreate = defineCommand({
  name: 'key create',
  group: 'Administer',
  summary: 'Make an API key, and its entry for the configuration',
  positionals: [],
  options: {
    role: {
      type: 'string',
      repeatable: true,
      value: '<role>',
      description: 'Role that chooses the persona, such as dba; may be repeated',
    },
    name: { type: 'string', value: '<text>', description: 'Whose key it is, for people and the audit log' },
    expires: {
      type: 'string',
      value: '<90d|date>',
      description: 'When it ends: days from now or a date; never by default',
    },
    tools: { type: 'string', repeatable: true, value: '<a,b,…>', description: 'Only these tools, as in a persona' },
    servers: { type: 'string', repeatable: true, value: '<a,b,…>', description: 'Only these servers' },
    networks: { type: 'string', repeatable: true, value: '<a,b,…>', description: 'Only from these networks' },
  },
  examples: [
    { line: 'howdah key create --role dba --name "Ada, laptop" --expires 90d', does: 'the key, and what to configure' },
    { line: 'howdah key create --role viewer --tools class:schema | wl-copy', does: 'the key goes to the pipe alone' },
  ],
  notes: [
    'The key is written to standard output and kept nowhere; the entry, which is no secret, goes to standard error.',
    'With -c the role and the servers are looked up in your configuration. docs/api-keys.md has the rest.',
  ].join('\n'),
  run: async (shell, { values }) => (await import('../create-key.ts')).createKey(shell, values),
});
