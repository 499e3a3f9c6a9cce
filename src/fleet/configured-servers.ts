import { createConfigError } from '../config/problem.ts';
import type { Config } from '../config/schema.ts';
import { PlatformError } from '../core/errors.ts';
import { CONSOLE_DATABASE } from '../postgres/console.ts';
import { parseTarget, type ConnectionTarget, type TargetOptions } from '../postgres/target.ts';
import type { ServerSpec } from './open-fleet.ts';
import type { PoolerSpec } from './poolers.ts';

type Surroundings = Pick<TargetOptions, 'env' | 'warn'>;
type Poolers = Config['servers'][string]['pgbouncer'];

/** Connects to nothing. Fails with CONFIG_INVALID. */
export function configuredServers({ servers }: Config, around: Surroundings): readonly ServerSpec[] {
  return Object.entries(servers).map(
    ([name, { url, password, tls, pooling, databases, connections, logins, search_path, pgbouncer }]): ServerSpec => ({
      name,
      target: parseTarget(url.reveal(), { ...around, password, tls, pooling }),
      databases,
      connections,
      logins: Object.fromEntries(
        Object.entries(logins).map(([login, as]) => [
          login,
          parseTarget(url.reveal(), { ...around, user: as.user, password: as.password, tls, pooling }),
        ]),
      ),
      searchPath: search_path,
      poolers: configuredPoolers(pgbouncer, `servers.${name}.pgbouncer`, around),
    }),
  );
}

function configuredPoolers(poolers: Poolers, path: string, around: Surroundings): readonly PoolerSpec[] {
  return Object.entries(poolers).map(([name, { url, password, tls }]) => {
    const at = `${path}.${name}.url`;
    const options = { ...around, password, tls, defaultDatabase: CONSOLE_DATABASE };
    return { name, target: requireConsole(parseAt(at, url.reveal(), options), at) };
  });
}

function parseAt(path: string, url: string, options: TargetOptions): ConnectionTarget {
  try {
    return parseTarget(url, options);
  } catch (error) {
    if (!(error instanceof PlatformError)) throw error;
    throw unusable(path, `cannot be used: ${[error.message, error.hint].filter(Boolean).join(' ')}`);
  }
}

function requireConsole(target: ConnectionTarget, path: string): ConnectionTarget {
  if (target.database === CONSOLE_DATABASE) return target;
  const way = `write /${CONSOLE_DATABASE} at its end, or no database`;
  throw unusable(path, `names a database, and the admin console of PgBouncer is the database pgbouncer; ${way}`);
}

function unusable(path: string, message: string): PlatformError {
  return createConfigError('the configuration', [{ path, message }]);
}
