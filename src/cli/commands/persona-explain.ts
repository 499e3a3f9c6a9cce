import { defineCommand, PURPOSE_OPTION } from '../command.ts';

export const personaExplain = defineCommand({
  name: 'persona explain',
  group: 'Administer',
  summary: 'Explain what a caller may do, and which rule says so',
  positionals: [],
  options: {
    as: { type: 'string', value: '<caller>', description: 'A persona, role,…, the id of a key, or anonymous' },
    tool: { type: 'string', value: '<name>', description: 'This tool; without it, all that there are' },
    server: { type: 'string', value: '<name>', description: 'On this server' },
    database: { type: 'string', value: '<name>', description: 'In this database' },
    table: { type: 'string', value: '<table>', description: 'schema.table or schema.table.column' },
    function: { type: 'string', value: '<function>', description: 'schema.function, that SQL of its own may call' },
    ...PURPOSE_OPTION,
  },
  examples: [
    { line: 'howdah persona explain --as analyst', does: 'what it may call, and why not the rest' },
    {
      line: 'howdah persona explain --as role:group:data --tool list_tables --server shop',
      does: 'the deciding rule of each step',
    },
    { line: 'howdah persona explain --as analyst --table public.users.email', does: 'whether it is hidden or masked' },
    { line: 'howdah persona explain --as analyst --function app.net_price', does: 'whether its SQL may call it' },
  ],
  notes:
    'persona:, role: or key: before a name leaves no doubt which of them is meant. Nothing is called, and no server asked.',
  run: async (shell, { values }) => (await import('../personas.ts')).explainPersona(shell, values),
});
