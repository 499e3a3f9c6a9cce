import { defineCommand, PURPOSE_OPTION, type Command } from '../command.ts';

export const call: Command = {
  ...defineCommand({
    name: 'call',
    group: 'Look',
    summary: 'Call one tool',
    positionals: ['<tool>'],
    options: {
      input: { type: 'string', value: '<json>', description: 'Arguments as a JSON object' },
      ...PURPOSE_OPTION,
    },
    examples: [
      { line: 'howdah call unused_indexes --help', does: 'the flags of a tool' },
      { line: 'howdah call unused_indexes --min-size 100000000', does: 'its answer, with findings first' },
      { line: `howdah call list_tables --input '{"schema":"public"}' --json`, does: 'for a program' },
    ],
    notes: 'howdah tools lists the tools. Every tool has flags of its own, made from its input schema.',
    run: () => Promise.reject(new Error('call was not narrowed to a tool')),
  }),
  narrow: async (name) => (await import('../run-call.ts')).narrowCall(call, name),
};
