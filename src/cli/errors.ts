import { redact } from '../audit/redact.ts';
import { ERROR_CODES, PlatformError } from '../core/errors.ts';
import { scrubSecrets } from '../core/secret-text.ts';
import { escapeControl } from '../sqltext/untrusted-text.ts';
import type { Screen } from './screen.ts';

/** `error:` and `hint:` on standard error, since standard output is for answers. Returns the exit code. */
export function reportError(error: PlatformError, screen: Pick<Screen, 'note'>): number {
  screen.note(`error: ${presentable(error.message)}`);
  if (error.code === 'INTERNAL') reportFault(error.cause, screen);
  else if (error.hint !== undefined) screen.note(`hint: ${presentable(error.hint)}`);
  return ERROR_CODES[error.code].exit;
}

/** A name that a server reports must not start a line that looks like ours. */
function presentable(text: string): string {
  return text.split('\n').map(escapeControl).join('\n  ');
}

/** An error quotes what it was given, and a connection URL in the wrong place has a password. */
export function withoutSecrets({ code, message, hint, details, cause }: PlatformError): PlatformError {
  return new PlatformError(code, scrubSecrets(message), {
    hint: hint === undefined ? undefined : scrubSecrets(hint),
    details: redact(details) as PlatformError['details'],
    cause,
  });
}

/** Where a fault of ours happened; the message of a foreign error may hold a secret. */
function reportFault(cause: unknown, screen: Pick<Screen, 'note'>): void {
  if (!(cause instanceof Error)) return;
  const frames = cause.stack?.split('\n').filter((line) => /^\s+at /.test(line)) ?? [];
  screen.note([`  ${cause.name}`, ...frames.slice(0, 8)].join('\n'));
}
