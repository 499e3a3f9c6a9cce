import { z } from 'zod';
import { describePowers, mendLogin, restrictLogin } from '../calls/callers-login.ts';
import type { CallContext, ReachedDatabase } from '../calls/context.ts';
import type { Finding } from '../contract/finding.ts';
import { PlatformError } from '../core/errors.ts';
import type { FleetLogin } from '../fleet/fleet.ts';
import { quoteIdentifier } from '../postgres/sql.ts';

/** A login for SQL of callers, as it was found just now. */
export const login = {
  login: z.string(),
  role: z.string(),
  reachable: z.boolean(),
  search_path: z.array(z.string()),
};

interface Visits {
  readonly rows: readonly z.output<z.ZodObject<typeof login>>[];
  readonly findings: readonly Finding[];
}

type Call = Pick<CallContext, 'deadline' | 'callId'>;

/** What each login of the server may do beside reading; never rejects for one that is not let in. */
export async function visitLogins(target: ReachedDatabase, call: Call): Promise<Visits> {
  const visits = await Promise.all(
    [...target.server.logins].map(([name, each]) => visit(name, each, { database: target.database, ...call })),
  );
  return { rows: visits.map(({ row }) => row), findings: visits.flatMap(({ findings }) => findings) };
}

async function visit(name: string, found: FleetLogin, call: Call & { database: string }) {
  const { user } = found;
  const object = quoteIdentifier(user);
  const row = { login: name, role: user, reachable: false, search_path: [] };
  const { deadline, callId, database } = call;
  const options = {
    deadline,
    applicationName: `howdah ${callId}`,
    isolation: 'read committed',
    lockTimeoutMs: 300,
  } as const;
  try {
    const profile = await found.database(database).readOnly(options, (session) => found.profile(database, session));
    const findings: Finding[] = [];
    if (profile.powers.length > 0) {
      const claim = `The login may do more than read, so that it runs no SQL of callers: ${describePowers(profile.powers)}.`;
      findings.push({ severity: 'warning', claim, object, evidence: {}, next_step: mendLogin(profile).join('\n') });
    }
    const restrictions = restrictLogin(profile, database);
    if (restrictions.length > 0) {
      const evidence = { temporary: profile.mayMakeTemporary, read_only_by_default: profile.isReadOnlyByDefault };
      const claim = 'The login for SQL of callers could be narrower.';
      findings.push({ severity: 'notice', claim, object, evidence, next_step: restrictions.join('\n') });
    }
    if (findings.length === 0) {
      const claim = 'The login for SQL of callers reads, and does nothing else.';
      findings.push({ severity: 'ok', claim, object, evidence: { search_path: profile.path.join(', ') } });
    }
    return { row: { ...row, reachable: true, search_path: [...profile.path] }, findings };
  } catch (error) {
    if (!(error instanceof PlatformError) || error.code === 'CANCELLED') throw error;
    const claim = `The login for SQL of callers cannot be used: ${error.message}`;
    const finding: Finding = { severity: 'warning', claim, object, evidence: {} };
    return { row, findings: [error.hint === undefined ? finding : { ...finding, next_step: error.hint }] };
  }
}
