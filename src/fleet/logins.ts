import { PlatformError } from '../core/errors.ts';
import type { ForeignSession } from '../postgres/database.ts';
import { clusterOf } from './cluster-identity.ts';
import type { ConnectionTarget } from '../postgres/target.ts';
import type { FleetLogin } from './fleet.ts';
import { readLoginProfile, type LoginProfile } from './login-profile.ts';
import { createPools, type OpenPool } from './pools.ts';
import type { Turns } from './turns.ts';

export interface LoginParts {
  readonly openPool: OpenPool;
  /** Undefined for that of the role. */
  readonly searchPath: readonly string[] | undefined;
  /** Of all logins of the server together. */
  readonly turns: Turns;
}

/** How long what a role may do counts as known. */
const PROFILE_MS = 30_000;

export interface OpenedLogin {
  readonly fleetLogin: FleetLogin;
  close(): Promise<void>;
}

/** Connects to nothing yet. */
export function openLogin(target: ConnectionTarget, { openPool, searchPath, turns }: LoginParts): OpenedLogin {
  const pools = createPools({ ...target, unnamed: true }, openPool);
  const profiles = new Map<string, { readonly profile: LoginProfile; readonly until: number }>();

  const fleetLogin: FleetLogin = {
    user: target.user,
    database: (name) => ({
      readOnly: async (options, work) => {
        const endTurn = await turns.take(options.deadline);
        try {
          const pool = await pools.open(name);
          return await pool.readOnly(options, work);
        } catch (error) {
          if (error instanceof PlatformError && error.code === 'NOT_FOUND') pools.forget(name);
          throw error;
        } finally {
          endTurn();
        }
      },
    }),
    async profile(database: string, session: ForeignSession) {
      const cluster = await clusterOf(session);
      const key = JSON.stringify([cluster, database]);
      const known = profiles.get(key);
      if (known && known.until > performance.now()) return known.profile;
      // as of before it was read
      const until = performance.now() + PROFILE_MS;
      const profile = { ...(await readLoginProfile(session, searchPath)), cluster };
      profiles.set(key, { profile, until });
      return profile;
    },
  };
  return { fleetLogin, close: () => pools.close() };
}
