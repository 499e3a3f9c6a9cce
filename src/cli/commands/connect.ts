import { defineCommand } from '../command.ts';

export const connect = defineCommand({
  name: 'connect',
  group: 'Connect',
  summary: 'Connect an AI assistant: print its configuration, or write it',
  positionals: ['[client]'],
  options: {
    url: { type: 'string', value: '<url>', description: 'Connect to a running howdah serve rather than start one' },
    'key-env': {
      type: 'string',
      value: '<name>',
      description: 'Environment variable with the API key, for clients that read one; a placeholder by default',
    },
    write: { type: 'boolean', description: "Merge it into the client's own file; a copy of the old file is kept" },
  },
  examples: [
    { line: 'howdah connect', does: 'which clients there are' },
    { line: 'howdah connect cursor', does: 'what to paste, and where' },
    { line: 'howdah connect claude-desktop --config ~/howdah.yaml --write', does: 'do it' },
    { line: 'howdah connect claude-code --url http://127.0.0.1:7432/mcp --key-env HOWDAH_KEY', does: 'over HTTP' },
  ],
  notes: 'Without --config a placeholder stands for the connection URL: no password is copied from the environment.',
  run: async (shell, { positionals: [name], values }) => {
    const { runConnect } = await import('../connect/connect.ts');
    return runConnect(shell, {
      name,
      write: values.write === true,
      url: values.url,
      keyVariable: values['key-env'],
    });
  },
});
