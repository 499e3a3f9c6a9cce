import type { Environment } from './substitution.ts';

/** A server that the environment describes, written as in a file, and the variable to blame for it. */
export interface EnvironmentServer {
  readonly source: string;
  readonly server: { readonly url: string; readonly password?: string };
}

/** Those that say where or as whom to connect: https://www.postgresql.org/docs/current/libpq-envars.html */
const LIBPQ = ['PGHOST', 'PGHOSTADDR', 'PGPORT', 'PGDATABASE', 'PGUSER', 'PGSERVICE'];
const PARTS = ['POSTGRES_HOST', 'POSTGRES_PORT', 'POSTGRES_USER', 'POSTGRES_PASSWORD', 'POSTGRES_DB'];

/** DATABASE_URL, else libpq's own variables, else those of container images; an empty variable is not set. */
export function findEnvironmentServer(env: Environment): EnvironmentServer | undefined {
  if (env['DATABASE_URL']) return { source: 'DATABASE_URL', server: { url: env['DATABASE_URL'] } };
  // a URL without parts: libpq, and what follows its rules, takes all from the PG* variables
  const libpq = LIBPQ.find((name) => env[name]);
  if (libpq !== undefined) return { source: libpq, server: { url: 'postgresql://' } };
  const part = PARTS.find((name) => env[name]);
  return part === undefined ? undefined : { source: part, server: joinParts(env) };
}

function joinParts(env: Environment): EnvironmentServer['server'] {
  const user = env['POSTGRES_USER'] ? `${encodeURIComponent(env['POSTGRES_USER'])}@` : '';
  const host = env['POSTGRES_HOST'] || 'localhost';
  const address = host.includes(':') && !host.startsWith('[') ? `[${host}]` : encodeURIComponent(host);
  const port = env['POSTGRES_PORT'] ? `:${encodeURIComponent(env['POSTGRES_PORT'])}` : '';
  const url = `postgresql://${user}${address}${port}/${encodeURIComponent(env['POSTGRES_DB'] ?? '')}`;
  return { url, ...(env['POSTGRES_PASSWORD'] && { password: env['POSTGRES_PASSWORD'] }) };
}
