import { createRequire } from 'node:module';
import { isatty } from 'node:tty';
import type * as Pino from 'pino';
import { formatLine } from './human-line.ts';
import { scrubFields, scrubText } from './scrub.ts';

const LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LEVELS)[number];
export type LogFields = Readonly<Record<string, unknown>>;

/** What Howdah tells of itself. Field names are snake_case; an error goes under `err`. */
export interface Logger extends Readonly<Record<LogLevel, (fields: LogFields, message: string) => void>> {
  /** Adds fields to every line, such as `{ call_id }`. */
  child(fields: LogFields): Logger;
}

export interface LogOutput {
  readonly isTerminal: boolean;
  write(line: string): void;
}

/** Logs from `level` on, to standard error: JSON lines, or text where a person watches. A line is written when the call returns. */
export function createLogger(level: LogLevel, output?: LogOutput): Logger {
  return wrap(
    level,
    once(() => openPino(level, output)),
  );
}

function wrap(level: LogLevel, open: () => Pino.Logger): Logger {
  const withStacks = level === 'debug';
  const log = (at: LogLevel) => (fields: LogFields, message: string) => {
    if (LEVELS.indexOf(at) >= LEVELS.indexOf(level)) open()[at](scrubFields(fields, withStacks), scrubText(message));
  };
  return {
    debug: log('debug'),
    info: log('info'),
    warn: log('warn'),
    error: log('error'),
    child: (fields) =>
      wrap(
        level,
        once(() => open().child(scrubFields(fields, withStacks))),
      ),
  };
}

/** Loaded at the first line: most starts have none, and a client waits for each. */
function openPino(level: LogLevel, given: LogOutput | undefined): Pino.Logger {
  const library = createRequire(import.meta.url)('pino') as typeof Pino;
  const output = given ?? openStandardError(library);
  const write = (line: string) => output.write(output.isTerminal ? formatLine(line) : line);
  const options = {
    level,
    base: null,
    messageKey: 'message',
    timestamp: library.stdTimeFunctions.isoTime,
    // errors come already serialised
    serializers: { err: (error: unknown) => error },
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return library.pino(options, { write });
}

/** Written at once, without a buffer or a worker: the last line before a crash is the one that matters. */
function openStandardError({ destination }: typeof Pino): LogOutput {
  const stream = destination({ dest: 2, sync: true });
  return { isTerminal: isatty(2), write: (line) => void stream.write(line) };
}

function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}
