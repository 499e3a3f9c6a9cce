import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkParameter, targetError, type ConnectionParameters } from './connection-parameters.ts';

export interface ServiceFiles {
  /** Named outright: must exist. */
  readonly named: string | undefined;
  readonly home: string;
  /** PGSYSCONFDIR. */
  readonly systemDirectory: string | undefined;
}

/** Where Debian, Red Hat and a build from source keep theirs. */
const SYSTEM_DIRECTORIES = ['/etc/postgresql-common', '/etc/sysconfig/pgsql', '/usr/local/pgsql/etc'];

/**
 * The parameters of a service, from the first file that has it: the user's own, then the system's
 * (https://www.postgresql.org/docs/current/libpq-pgservice.html). Fails with CONFIG_INVALID when none has it.
 */
export function readService(service: string, { named, home, systemDirectory }: ServiceFiles): ConnectionParameters {
  const system = systemDirectory === undefined ? SYSTEM_DIRECTORIES : [systemDirectory];
  const files = [named ?? join(home, '.pg_service.conf'), ...system.map((path) => join(path, 'pg_service.conf'))];
  for (const file of files) {
    const text = readIfThere(file, file === named);
    const found = text === undefined ? undefined : parseServiceFile(text, service, file);
    if (found !== undefined) return found;
  }
  throw targetError(`There is no service "${service}".`, `Looked for [${service}] in ${files.join(', ')}.`);
}

function readIfThere(file: string, required: boolean): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const missing = ['ENOENT', 'ENOTDIR', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '');
    if (missing && !required) return undefined;
    throw targetError(`The service file ${file} cannot be read.`, 'PGSERVICEFILE or servicefile names it.', error);
  }
}

/** undefined when the file does not have the service; a parameter that is set twice keeps its first value. */
function parseServiceFile(text: string, service: string, file: string): ConnectionParameters | undefined {
  const parameters = new Map<string, string>();
  let [found, inside] = [false, false];
  for (const [index, line] of text
    .split('\n')
    .map((line) => line.trim())
    .entries()) {
    if (line === '' || line.startsWith('#')) continue;
    if (line.startsWith('[')) {
      if (found) break;
      found = inside = line === `[${service}]`;
    } else if (inside) {
      const equals = line.indexOf('=');
      const name = line.slice(0, equals);
      if (equals < 1 || name === 'service') {
        throw targetError(`Line ${index + 1} of the service file ${file} cannot be read.`, 'Write name=value.');
      }
      const value = checkParameter(name, line.slice(equals + 1));
      if (!parameters.has(name)) parameters.set(name, value);
    }
  }
  return found ? parameters : undefined;
}
