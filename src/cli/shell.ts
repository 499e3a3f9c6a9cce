import type { Readable, Writable } from 'node:stream';
import type { Screen } from './screen.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Standard input. */
export interface Input extends Readable {
  readonly isTTY?: boolean;
}

/** What a command has of the process and of the global options. */
export interface Shell {
  readonly env: Environment;
  readonly screen: Screen;
  readonly stdin: Input;
  readonly stdout: Writable;
  /** The file that `--config` names. */
  readonly config: string | undefined;
  readonly json: boolean;
  /** Why its calls are made. */
  readonly purpose?: string | undefined;
  /** Aborts when the user presses Ctrl-C, or when nobody reads the output any more. */
  readonly signal: AbortSignal;
}
