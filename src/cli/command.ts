import type { Shell } from './shell.ts';

/** One `--flag` of a command. */
export interface Option {
  readonly type: 'string' | 'boolean';
  readonly short?: string;
  /** Of a string: may be given several times. */
  readonly repeatable?: true;
  /** What stands for the value in help, such as `<file>`. */
  readonly value?: string;
  readonly description: string;
}
export type Options = Readonly<Record<string, Option>>;

/** How commands are grouped in help, in this order. */
export const GROUPS = ['Look', 'Connect', 'Administer'] as const;

export interface Example {
  readonly line: string;
  readonly does: string;
}

/** What a command was given beyond the global options. */
export interface Given {
  readonly positionals: readonly string[];
  readonly values: Readonly<Record<string, string | boolean | readonly string[] | undefined>>;
}

/** Everything about a command; help and the reference are read from it. */
export interface Command {
  /** One or two words, such as `check` or `audit verify`. */
  readonly name: string;
  readonly group: (typeof GROUPS)[number];
  /** One line, without a full stop. */
  readonly summary: string;
  /** What follows the name, such as `[url]`; at most as many are taken. */
  readonly positionals: readonly string[];
  readonly options: Options;
  readonly examples: readonly Example[];
  /** What is worth knowing beyond the options; a paragraph. */
  readonly notes?: string;
  /** It runs until it is told to end: a signal is no interruption, and the exit code is its own. */
  readonly runsUntilTold?: true;
  /** The command that its first argument makes of it, with options of its own. */
  narrow?(word: string): Promise<Command>;
  /** Resolves with the exit code. Heavy modules are imported inside, so that `--help` is quick. */
  run(shell: Shell, given: Given): Promise<number>;
}

type Value<O extends Option> = O['type'] extends 'boolean'
  ? boolean
  : O['repeatable'] extends true
    ? readonly string[]
    : string;
type Values<O extends Options> = { readonly [K in keyof O]?: Value<O[K]> };

interface CommandSpec<O extends Options> extends Omit<Command, 'options' | 'run'> {
  readonly options: O;
  readonly run: (
    shell: Shell,
    given: { readonly positionals: readonly string[]; readonly values: Values<O> },
  ) => Promise<number>;
}

/** Declares a command; the values that `run` gets are typed by `options`. */
export function defineCommand<const O extends Options>(spec: CommandSpec<O>): Command {
  return {
    ...spec,
    run: (shell, { positionals, values }) => spec.run(shell, { positionals, values: values as Values<O> }),
  };
}

/** Of commands that make calls: what each of them says of why it is made. */
export const PURPOSE_OPTION = {
  purpose: { type: 'string', value: '<text>', description: 'Why this is done; the audit log keeps it' },
} as const satisfies Options;

/** Options that every command takes. */
export const GLOBAL_OPTIONS = {
  config: {
    type: 'string',
    short: 'c',
    value: '<file>',
    description: 'Configuration file; without one, DATABASE_URL or PG* name the server',
  },
  json: { type: 'boolean', description: 'Print JSON instead of text' },
  'no-color': { type: 'boolean', description: 'No colours; NO_COLOR and FORCE_COLOR are heeded too' },
  help: { type: 'boolean', short: 'h', description: 'Show help' },
  version: { type: 'boolean', description: 'Show the version' },
} as const satisfies Options;
