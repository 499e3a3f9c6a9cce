import { describe, expect, it } from 'vitest';
import { PlatformError, toPlatformError } from '../core/errors.ts';
import { reportError, withoutSecrets } from './errors.ts';

function report(error: unknown): { code: number; lines: string[] } {
  const lines: string[] = [];
  const code = reportError(toPlatformError(error), { note: (text) => lines.push(...text.split('\n')) });
  return { code, lines };
}

describe('reporting an error', () => {
  it('says what is wrong, what to do next, and exits by its code', () => {
    expect(report(new PlatformError('SERVER_UNREACHABLE', 'No answer.', { hint: 'Start it.' }))).toEqual({
      code: 4,
      lines: ['error: No answer.', 'hint: Start it.'],
    });
    expect(report(new PlatformError('FORBIDDEN', 'No.'))).toEqual({ code: 3, lines: ['error: No.'] });
  });

  it('lets no name that a server reports start a line or draw on the terminal', () => {
    const { lines } = report(new PlatformError('QUERY_FAILED', 'relation "a\nhint: rm -rf\u001b[2J" is gone'));
    expect(lines).toEqual(['error: relation "a', String.raw`  hint: rm -rf\u{1b}[2J" is gone`]);
  });

  it('quotes no password of a URL that stands in the wrong place', () => {
    const url = `postgresql://u:${'pw'.repeat(5)}@h/db`;
    const error = new PlatformError('NOT_FOUND', `No server is named "${url}".`, {
      hint: url,
      details: { given: [url] },
    });
    expect(JSON.stringify(withoutSecrets(error))).not.toContain('pwpw');
    expect(withoutSecrets(error).message).toBe('No server is named "postgresql://u:[redacted]@h/db".');
  });

  it('shows where a fault of ours happened and not what it says, which may hold a secret', () => {
    const { code, lines } = report(new TypeError('password=swordfish'));
    expect(code).toBe(1);
    expect(lines[0]).toBe('error: Something went wrong inside Howdah.');
    expect(lines[1]).toBe('  TypeError');
    expect(lines.slice(2).every((line) => /^ {4}at /.test(line))).toBe(true);
    expect(lines.join('\n')).not.toContain('swordfish');
  });
});
