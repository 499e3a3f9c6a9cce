import { GLOBAL_OPTIONS, GROUPS, type Command, type Options } from './command.ts';
import type { Screen } from './screen.ts';

type Style = Pick<Screen, 'palette'>;

/** The description of a longer flag stands below it. */
const FLAG_WIDTH = 36;

const INTRO = 'howdah gives AI assistants governed access to PostgreSQL.';

/** All commands, a line each. */
export function renderOverview(commands: readonly Command[], { palette }: Style): string {
  const width = Math.max(...commands.map((command) => usageOf(command).length));
  const groups = GROUPS.map((group) => [
    '',
    palette.bold(group),
    ...commands
      .filter((command) => command.group === group)
      .map((command) => `  ${usageOf(command).padEnd(width)}  ${command.summary}`),
  ]);
  return [
    INTRO,
    '',
    `${palette.bold('Usage')}  howdah <command> [options]`,
    ...groups.flat(),
    '',
    palette.bold('Options'),
    ...renderOptions(GLOBAL_OPTIONS),
    '',
    palette.bold('Examples'),
    '  DATABASE_URL=postgresql://monitor@db.example.org/shop howdah check',
    '  howdah call unused_indexes --min-size 100000000',
    '  howdah connect cursor --write',
    '',
    'howdah <command> --help shows more.',
  ].join('\n');
}

/** One command: what it does, what it takes, how it looks in use. */
export function renderHelp(command: Command, { palette }: Style, options: Options = command.options): string {
  return [
    `${command.summary}.`,
    '',
    `${palette.bold('Usage')}  howdah ${usageOf(command)} [options]`,
    ...section(palette.bold('Options'), renderOptions(options)),
    ...section(palette.bold('Global options'), renderOptions(GLOBAL_OPTIONS)),
    ...section(
      palette.bold('Examples'),
      command.examples.flatMap(({ line, does }) => [`  ${palette.dim(`# ${does}`)}`, `  ${line}`]),
    ),
    ...(command.notes === undefined ? [] : ['', command.notes]),
  ].join('\n');
}

/** The commands that share a first word. */
export function renderGroup(word: string, commands: readonly Command[], { palette }: Style): string {
  const width = Math.max(...commands.map((command) => usageOf(command).length));
  return [
    `${palette.bold('Usage')}  howdah ${word} <command> [options]`,
    '',
    ...commands.map((command) => `  ${usageOf(command).padEnd(width)}  ${command.summary}`),
  ].join('\n');
}

function usageOf({ name, positionals }: Command): string {
  return [name, ...positionals].join(' ');
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', title, ...lines];
}

function renderOptions(options: Options): string[] {
  const rows = Object.entries(options).map(([name, { short, value, description }]) => ({
    flag: `${short === undefined ? '    ' : `-${short}, `}--${name}${value === undefined ? '' : ` ${value}`}`,
    description,
  }));
  const width = Math.max(...rows.map(({ flag }) => flag.length).filter((length) => length <= FLAG_WIDTH), 0);
  return rows.flatMap(({ flag, description }) => {
    if (flag.length <= FLAG_WIDTH) return [`  ${flag.padEnd(width)}  ${description}`.trimEnd()];
    return [`  ${flag}`, ...(description === '' ? [] : [`  ${' '.repeat(width)}  ${description}`])];
  });
}
