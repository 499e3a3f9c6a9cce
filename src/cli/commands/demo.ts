import { defineCommand } from '../command.ts';

export const demo = defineCommand({
  name: 'demo',
  group: 'Look',
  summary: 'Serve a shop that has problems, on three PostgreSQL servers of its own',
  positionals: [],
  options: {
    port: { type: 'string', value: '<port>', description: 'Port on 127.0.0.1; 7432 by default, or a free one' },
    once: { type: 'boolean', description: 'Check the shop once and stop, for scripts' },
  },
  examples: [
    { line: 'howdah demo', does: 'needs nothing but this machine; ten seconds at first, three from then on' },
    { line: 'howdah demo --once', does: 'without a listener' },
  ],
  notes: [
    'The data, the key and the configuration are kept in the directory `demo` of the state directory; removing it',
    'makes the next start a first one.',
  ].join('\n'),
  runsUntilTold: true,
  run: async (shell, { values }) => {
    const { runDemo } = await import('../demo/run-demo.ts');
    return runDemo(shell, { once: values.once === true, port: values.port });
  },
});
