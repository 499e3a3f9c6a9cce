import { PlatformError } from '../core/errors.ts';
import { clusterOf } from '../fleet/cluster-identity.ts';
import type { LoginProfile } from '../fleet/login-profile.ts';
import type { Approved, Guard, Verdict } from '../guard/guard.ts';
import type { ForeignSession, ReadOnlyOptions } from '../postgres/database.ts';
import { dataAccessOf } from '../policy/data-access.ts';
import { adviseGrants, explainFailure, rejection } from './callers-errors.ts';
import { chooseLogin, requireReader, warnOfOwnLogin, type ChosenLogin, type Transport } from './callers-login.ts';
import { createCallersSession, type Admitted } from './callers-session.ts';
import type { CallersDatabase } from './callers-sql.ts';
import type { CallContext } from './context.ts';
import { findUnreadable } from './unreadable.ts';
import type { MaskKeys } from './mask-key.ts';
import type { Destination } from './reach.ts';

/** What statements of callers need beside a server. */
export interface CallersSql {
  readonly guard?: Guard | undefined;
  readonly maskKeys?: MaskKeys | undefined;
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
  const hides = persona.data !== undefined;
  const maskKey = () => callers.maskKeys?.(persona.name, server.name);
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

  async function judge(sql: string): Promise<Verdict> {
    const { guard } = callers;
    if (guard === undefined) throw noGuard();
    const choice = choose();
    const access = dataAccessOf(persona);
    const options: ReadOnlyOptions = { ...common, lockTimeoutMs: CATALOG_LOCK_MS };
    return choice.login.database(database).readOnly(options, async (session) => {
      const { path, cluster } = await inspect(choice, session);
      const key = JSON.stringify([server.name, cluster, database, choice.login.user, path]);
      const { signal } = deadline;
      const judged = await guard.check({ sql, access, catalog: { session, path, key }, signal });
      if (judged.verdict === 'allow') admitted.set(judged, { written: sql, path, cluster });
      return judged;
    });
  }

  function told(sql: string): Promise<Verdict> {
    return judge(sql).catch((error: unknown) => {
      throw explainFailure(error, { sent: undefined, hides });
    });
  }

  return {
    async admit(sql) {
      const verdict = await told(sql);
      if (verdict.verdict === 'deny') throw rejection(sql, verdict);
      return verdict;
    },
    judge: told,
    async readOnly(work) {
      const choice = choose();
      // as of a moment ago: nothing of ours that looks up a name is run in a path of others
      const path = profile?.path;
      if (path === undefined) throw new Error('nothing was admitted before the session');
      const own = choice.login.database(database);
      let failed: Approved | undefined;
      const onFailure = (approved: Approved) => {
        failed = approved;
      };
      const lockTimeoutMs = Math.min(LOCK_MS, deadline.remainingMs());
      try {
        return await own.readOnly({ ...common, lockTimeoutMs, foreignPath: path }, async (session) => {
          const cluster = await clusterOf(session);
          return work(createCallersSession(session, { admitted, path, cluster, persona, maskKey, onFailure }));
        });
      } catch (error) {
        if (hides || failed === undefined || !isDenied(error)) throw error;
        const oids = failed.relations.map(({ oid }) => oid);
        const looking = own.readOnly({ ...common, lockTimeoutMs: CATALOG_LOCK_MS }, (session) =>
          findUnreadable(session, oids),
        );
        throw adviseGrants(error, await looking.catch(() => []), choice.login.user);
      }
    },
    warnings: () => (profile && chosen?.isOwn === false ? [warnOfOwnLogin(profile, place)] : []),
  };
}

/** Whether PostgreSQL said that a right is missing. */
function isDenied(error: unknown): error is PlatformError {
  return error instanceof PlatformError && error.code === 'QUERY_FAILED' && error.details?.['sqlstate'] === '42501';
}

function noGuard(): PlatformError {
  return new PlatformError('UNSUPPORTED', 'SQL of callers is not run here.', {
    hint: 'Howdah was started without the guard that judges it.',
  });
}
