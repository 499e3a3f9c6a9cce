import { PlatformError } from '../core/errors.ts';
import { clusterOf } from '../fleet/cluster-identity.ts';
import type { LoginProfile } from '../fleet/login-profile.ts';
import type { Approved, Guard } from '../guard/guard.ts';
import type { ForeignSession, ReadOnlyOptions } from '../postgres/database.ts';
import { explainFailure, rejection } from './callers-errors.ts';
import { chooseLogin, requireReader, warnOfOwnLogin, type ChosenLogin, type Transport } from './callers-login.ts';
import { createCallersSession, type Admitted } from './callers-session.ts';
import type { CallersDatabase } from './callers-sql.ts';
import type { CallContext } from './context.ts';
import { dataAccessOf } from './data-access.ts';
import type { Destination } from './reach.ts';

/** What statements of callers need beside a server. */
export interface CallersSql {
  readonly guard?: Guard | undefined;
  /** What hashes of masked values are keyed with, in hexadecimal digits. */
  readonly maskKey?: (() => Promise<string>) | undefined;
}

export interface CallersParts extends CallersSql {
  readonly transport: Transport;
}

type Call = Pick<CallContext, 'persona' | 'deadline' | 'callId'> & { readonly callers: CallersParts };

/** The guard reads catalogs as diagnostics do. */
const CATALOG_LOCK_MS = 300;
/** How long a statement of a caller waits for a lock at most. */
const LOCK_MS = 5000;

/** Contacts nothing yet. */
export function openCallersDatabase({ server, database }: Destination, call: Call): CallersDatabase {
  const { persona, deadline, callId, callers } = call;
  const admitted = new WeakMap<Approved, Admitted>();
  const place = { server: server.name, persona: persona.name, database };
  let chosen: ChosenLogin | undefined;
  let profile: LoginProfile | undefined;

  const common = { deadline, applicationName: `howdah ${callId}`, isolation: 'repeatable read' } as const;

  function choose(): ChosenLogin {
    chosen ??= chooseLogin(server, persona, { transport: callers.transport, database });
    return chosen;
  }

  async function inspect({ login, isOwn }: ChosenLogin, session: ForeignSession): Promise<LoginProfile> {
    profile = await login.profile(database, session);
    if (isOwn) requireReader(profile);
    return profile;
  }

  async function admit(sql: string): Promise<Approved> {
    const { guard } = callers;
    if (guard === undefined) throw noGuard();
    const choice = choose();
    const access = dataAccessOf(persona);
    const options: ReadOnlyOptions = { ...common, lockTimeoutMs: CATALOG_LOCK_MS };
    const verdict = await choice.login.database(database).readOnly(options, async (session) => {
      const { path, cluster } = await inspect(choice, session);
      const key = JSON.stringify([server.name, cluster, database, choice.login.user, path]);
      const { signal } = deadline;
      const judged = await guard.check({ sql, access, catalog: { session, path, key }, signal });
      if (judged.verdict === 'allow') admitted.set(judged, { written: sql, path, cluster });
      return judged;
    });
    if (verdict.verdict === 'deny') throw rejection(sql, verdict);
    return verdict;
  }

  return {
    async admit(sql) {
      try {
        return await admit(sql);
      } catch (error) {
        throw explainFailure(error, {
          statement: undefined,
          hides: persona.data !== undefined,
          role: chosen?.login.user ?? '',
        });
      }
    },
    async readOnly(work) {
      const choice = choose();
      // as of a moment ago: nothing of ours that looks up a name is run in a path of others
      const path = profile?.path;
      if (path === undefined) throw new Error('nothing was admitted before the session');
      const lockTimeoutMs = Math.min(LOCK_MS, deadline.remainingMs());
      const options: ReadOnlyOptions = { ...common, lockTimeoutMs, foreignPath: path };
      return choice.login.database(database).readOnly(options, async (session) => {
        const cluster = await clusterOf(session);
        return work(createCallersSession(session, { admitted, path, cluster, persona, maskKey: callers.maskKey }));
      });
    },
    warnings: () => (profile && chosen?.isOwn === false ? [warnOfOwnLogin(profile, place)] : []),
  };
}

function noGuard(): PlatformError {
  return new PlatformError('UNSUPPORTED', 'SQL of callers is not run here.', {
    hint: 'Howdah was started without the guard that judges it.',
  });
}
