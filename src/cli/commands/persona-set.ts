import { defineCommand, PURPOSE_OPTION } from '../command.ts';
import { CHANGE } from './persona-options.ts';

export const personaSet = defineCommand({
  name: 'persona set',
  group: 'Administer',
  summary: 'Write a persona to the store, in force on every replica within a second',
  positionals: ['<name>'],
  options: {
    file: {
      type: 'string',
      value: '<yaml>',
      description: 'The persona, as under `personas.<name>` in a configuration',
    },
    ...CHANGE,
    ...PURPOSE_OPTION,
  },
  examples: [
    { line: 'howdah persona set support --file support.yaml --reason "may see locks"', does: 'a new version of it' },
    {
      line: 'howdah persona set support --file support.yaml --reason … --if-version 3',
      does: 'unless somebody was quicker',
    },
  ],
  notes:
    'The whole set of personas is checked before anything is written. A persona of the file cannot be set here: the file counts.',
  run: async (shell, { positionals, values }) =>
    (await import('../personas.ts')).setPersona(shell, positionals[0] ?? '', values),
});
