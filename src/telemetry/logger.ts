import { isatty } from 'node:tty';
import { destination, pino, stdTimeFunctions, type Logger as PinoLogger } from 'pino';
import { formatLine } from './human-line.ts';
import { scrubFields, scrubText } from './scrub.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
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
export function createLogger(level: LogLevel, output: LogOutput = openStandardError()): Logger {
  const write = (line: string) => output.write(output.isTerminal ? formatLine(line) : line);
  const options = {
    level,
    base: null,
    messageKey: 'message',
    timestamp: stdTimeFunctions.isoTime,
    // errors come already serialised
    serializers: { err: (error: unknown) => error },
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return wrap(pino(options, { write }));
}

function wrap(logger: PinoLogger): Logger {
  const withStacks = logger.isLevelEnabled('debug');
  const log = (level: LogLevel) => (fields: LogFields, message: string) => {
    if (logger.isLevelEnabled(level)) logger[level](scrubFields(fields, withStacks), scrubText(message));
  };
  return {
    debug: log('debug'),
    info: log('info'),
    warn: log('warn'),
    error: log('error'),
    child: (fields) => wrap(logger.child(scrubFields(fields, withStacks))),
  };
}

/** Written at once, without a buffer or a worker: the last line before a crash is the one that matters. */
function openStandardError(): LogOutput {
  const stream = destination({ dest: 2, sync: true });
  return { isTerminal: isatty(2), write: (line) => void stream.write(line) };
}
