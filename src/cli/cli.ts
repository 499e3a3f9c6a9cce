import { ERROR_CODES, PlatformError, toPlatformError } from '../core/errors.ts';
import { nearest } from '../core/nearest.ts';
import { GLOBAL_OPTIONS, type Command } from './command.ts';
import { commands } from './commands.ts';
import { reportError, withoutSecrets } from './errors.ts';
import { renderGroup, renderHelp, renderOverview } from './help.ts';
import { findWords, parseGiven, withoutWords } from './parse.ts';
import { createScreen, type Screen, type Stream } from './screen.ts';
import type { Environment, Input } from './shell.ts';
import { readVersion } from './version.ts';

/** The process, as far as the command line is concerned. */
export interface Host {
  readonly args: readonly string[];
  readonly env: Environment;
  readonly stdin: Input;
  readonly stdout: Stream;
  readonly stderr: Stream;
  /** Aborts when the user presses Ctrl-C, or when nobody reads the output any more. */
  readonly signal: AbortSignal;
  /** The exit code that a signal asks for; undefined while none came. */
  readonly interrupted: () => number | undefined;
}

/** Runs one command line. Resolves with its exit code and never rejects. */
export async function runCli(host: Host): Promise<number> {
  const { args, env, stdout, stderr } = host;
  const screen = createScreen({ stdout, stderr, env, noColor: args.includes('--no-color') });
  try {
    // `help x` is `x --help`
    return await dispatch(args[0] === 'help' ? [...args.slice(1), '--help'] : args, host, screen);
  } catch (error) {
    const problem = withoutSecrets(toPlatformError(error));
    // who pressed Ctrl-C knows
    if (problem.code === 'CANCELLED' && host.signal.aborted) return host.interrupted() ?? ERROR_CODES.CANCELLED.exit;
    if (args.includes('--json')) screen.printJson({ error: problem });
    const code = reportError(problem, screen);
    return host.interrupted() ?? code;
  }
}

async function dispatch(args: readonly string[], host: Host, screen: Screen): Promise<number> {
  const [word, next] = findWords(args, GLOBAL_OPTIONS);
  if (word === undefined) return runWithoutCommand(args, screen);
  const command = commands.find(({ name }) => name === `${word.value} ${next?.value}`);
  if (command !== undefined && next !== undefined)
    return runCommand(command, withoutWords(args, [word, next]), host, screen);
  const single = commands.find(({ name }) => name === word.value);
  if (single === undefined) return runWithoutSubcommand(word.value, next?.value, args, screen);
  return runNarrowed(single, withoutWords(args, [word]), host, screen);
}

async function runNarrowed(command: Command, args: readonly string[], host: Host, screen: Screen): Promise<number> {
  const [word] = findWords(args, { ...command.options, ...GLOBAL_OPTIONS });
  if (command.narrow === undefined || word === undefined) return runCommand(command, args, host, screen);
  return runCommand(await command.narrow(word.value), withoutWords(args, [word]), host, screen);
}

async function runCommand(command: Command, args: readonly string[], host: Host, screen: Screen): Promise<number> {
  const { values, positionals } = parseGiven(args, { ...command.options, ...GLOBAL_OPTIONS }, command.positionals);
  if (values['help'] === true) {
    screen.print(renderHelp(command, screen));
    return 0;
  }
  requirePositionals(command, positionals);
  const { env, stdin, stdout, signal } = host;
  const config = typeof values['config'] === 'string' ? values['config'] : undefined;
  const json = values['json'] === true;
  const { purpose, ...rest } = values;
  const own = Object.fromEntries(Object.entries(rest).filter(([name]) => Object.hasOwn(command.options, name)));
  const shell = { env, screen, stdin, stdout, signal, config, json };
  const code = await command.run(
    { ...shell, purpose: typeof purpose === 'string' ? purpose : undefined },
    { values: own, positionals },
  );
  return command.runsUntilTold === true ? code : (host.interrupted() ?? code);
}

function runWithoutCommand(args: readonly string[], screen: Screen): number {
  const { values } = parseGiven(args, GLOBAL_OPTIONS, []);
  screen.print(values['version'] === true ? `howdah ${readVersion()}` : renderOverview(commands, screen));
  return 0;
}

/** `audit` alone shows what there is below it. */
function runWithoutSubcommand(word: string, next: string | undefined, args: readonly string[], screen: Screen): number {
  const below = commands.filter(({ name }) => name.startsWith(`${word} `));
  const isHelp = args.includes('--help') || args.includes('-h');
  if (below.length > 0 && (next === undefined || isHelp)) {
    const help = renderGroup(word, below, screen);
    if (isHelp) screen.print(help);
    else screen.note(help);
    return isHelp ? 0 : 2;
  }
  const given = below.length > 0 ? `${word} ${next}` : word;
  const near = nearest(
    given,
    (below.length > 0 ? below : commands).map(({ name }) => name),
  );
  throw new PlatformError('INVALID_INPUT', `There is no command ${JSON.stringify(given)}.`, {
    hint: near === undefined ? 'howdah --help lists the commands.' : `Did you mean "howdah ${near}"?`,
  });
}

function requirePositionals({ name, positionals }: Command, given: readonly string[]): void {
  const missing = positionals.slice(given.length).find((positional) => positional.startsWith('<'));
  if (missing === undefined) return;
  throw new PlatformError('INVALID_INPUT', `howdah ${name} needs ${missing}.`, { hint: `See howdah ${name} --help.` });
}
