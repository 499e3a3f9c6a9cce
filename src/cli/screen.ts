import type { Writable } from 'node:stream';
import { palette, type Palette } from '../render/palette.ts';
import type { Environment } from './shell.ts';

/** The part of a standard stream that is used here. */
export interface Stream extends Writable {
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** Standard output and error, as lines. */
export interface Screen {
  /** Columns of the terminal; undefined where output goes to a file or program. */
  readonly width: number | undefined;
  readonly colors: boolean;
  readonly palette: Palette;
  /** A line of the answer, on standard output. */
  readonly print: (text: string) => void;
  readonly printJson: (value: unknown) => void;
  /** A line beside the answer, on standard error. */
  readonly note: (text: string) => void;
}

/** A terminal may say that it has no columns at all. */
const NARROWEST = 40;

interface ScreenOptions {
  readonly stdout: Stream;
  readonly stderr: Stream;
  readonly env: Environment;
  readonly noColor: boolean;
}

export function createScreen({ stdout, stderr, env, noColor }: ScreenOptions): Screen {
  const colors = !noColor && wantsColors(stdout, env);
  return {
    width: stdout.isTTY === true && stdout.columns ? Math.max(stdout.columns, NARROWEST) : undefined,
    colors,
    palette: palette(colors),
    print: (text) => void stdout.write(`${text}\n`),
    printJson: (value) => void stdout.write(`${JSON.stringify(value, null, 2)}\n`),
    note: (text) => void stderr.write(`${text}\n`),
  };
}

/** https://force-color.org and https://no-color.org; the first is heeded before the second, as Node.js does. */
function wantsColors(stdout: Stream, env: Environment): boolean {
  const force = env['FORCE_COLOR'];
  if (force !== undefined && force !== '') return force !== '0' && force !== 'false';
  if ((env['NO_COLOR'] ?? '') !== '') return false;
  return stdout.isTTY === true && env['TERM'] !== 'dumb';
}
