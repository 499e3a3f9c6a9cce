import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { Secret } from '../core/secret.ts';
import { targetError } from './connection-parameters.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** A password, or where to find it. The command is a program and its arguments; no shell reads it. */
export type PasswordSource =
  | Secret
  | {
      readonly env?: string | undefined;
      readonly file?: string | undefined;
      readonly command?: readonly string[] | undefined;
    };

const COMMAND_TIMEOUT_MS = 10_000;
const LONGEST_BYTES = 64 * 1024;

/**
 * Reads the password from its source, anew at each call. One line break at its end is not part of it. Fails with
 * CONFIG_INVALID when there is none; what the command wrote is never shown.
 */
export async function readPassword(source: PasswordSource, env: Environment): Promise<string> {
  if (source instanceof Secret) return source.reveal();
  if (source.env !== undefined) return present(env[source.env], `The environment variable ${source.env}`);
  if (source.file !== undefined) return present(await readSecretFile(source.file), `The file ${source.file}`);
  const [program = '', ...args] = source.command ?? [];
  return present(await printedBy(program, args, env), `The password command ${program}`);
}

function present(text: string | undefined, place: string): string {
  const password = text?.replace(/\r?\n$/, '');
  if (password) return password;
  throw targetError(`${place} gives no password.`, 'It must hold, or print, the password and nothing else.');
}

async function readSecretFile(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw targetError(`The password file ${file} cannot be read.`, 'See that it exists and is ours to read.', error);
  }
}

async function printedBy(program: string, args: readonly string[], env: Environment): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(program, args, {
      env,
      timeout: COMMAND_TIMEOUT_MS,
      killSignal: 'SIGKILL',
      maxBuffer: LONGEST_BYTES,
    });
    return stdout;
  } catch (error) {
    throw targetError(`The password command ${program} ${failureOf(error)}.`, 'Run it by hand to see why.');
  }
}

/** Not the error itself: its message holds the arguments, and it carries what the command printed. */
function failureOf(error: unknown): string {
  const { code, killed } = error as { code?: number | string; killed?: boolean };
  if (killed) return `took longer than ${COMMAND_TIMEOUT_MS / 1000} s`;
  return typeof code === 'number' ? `ended with exit code ${code}` : `could not be run (${code ?? 'killed'})`;
}
