import { readFile, stat } from 'node:fs/promises';

/** What a password file is searched with. */
export interface Login {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
}

/**
 * The password of the first line that fits, as https://www.postgresql.org/docs/current/libpq-pgpass.html has it;
 * undefined when none fits or there is no such file. A file that others can read is not used, with a warning.
 */
export async function readPasswordFile(
  file: string,
  login: Login,
  warn: (message: string) => void,
): Promise<string | undefined> {
  const found = await stat(file).catch(() => undefined);
  if (found === undefined) return undefined;
  const problem = problemOf(file, { mode: found.mode, isFile: found.isFile() });
  if (problem !== undefined) {
    warn(problem);
    return undefined;
  }
  const text = await readFile(file, 'utf8').catch(() => '');
  const wanted = [login.host, String(login.port), login.database, login.user];
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith('#')) continue;
    const fields = splitLine(line);
    const password = fields[4];
    if (password && wanted.every((value, i) => fields[i] === '*' || unescape(fields[i] ?? '') === value)) {
      return unescape(password);
    }
  }
  return undefined;
}

function problemOf(file: string, { mode, isFile }: { mode: number; isFile: boolean }): string | undefined {
  if (!isFile) return `The password file ${file} is not a plain file and is not used.`;
  if (process.platform === 'win32' || (mode & 0o077) === 0) return undefined;
  return `The password file ${file} can be read by others and is not used. To use it: chmod 600 ${file}`;
}

/** Five fields between colons; a backslash makes the next character ordinary. The fifth ends at a further colon. */
function splitLine(line: string): string[] {
  return Array.from(line.matchAll(/((?:[^:\\]|\\[\s\S]?)*)(?::|$)/g), ([, field = '']) => field);
}

function unescape(field: string): string {
  return field.replaceAll(/\\([\s\S])/g, '$1');
}
