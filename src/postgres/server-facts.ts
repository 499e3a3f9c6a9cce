import { z } from 'zod';
import type { ConnectionFacts } from './database.ts';
import { compileShape, decodeRows } from './exact-values.ts';
import { MANAGED_SERVICES, recognisedService } from './managed-service.ts';
import { openingSteps, ROLLBACK } from './session-settings.ts';
import { compile, sql } from './sql.ts';
import type { Wire } from './wire.ts';

export interface ServerFacts {
  readonly connection: ConnectionFacts;
  readonly backendPid: number;
  /** `default_transaction_read_only`, which target_session_attrs asks for. */
  readonly readOnlyByDefault: boolean;
}

/**
 * Of the login itself, not of a role that it was set to. Membership is followed by hand: pg_has_role says yes to
 * everything for a superuser. Names that begin with pg_ are reserved, so nobody can plant one.
 */
const FACTS = compile(sql`
  with recursive membership(role) as (
    select r.oid from pg_catalog.pg_roles r where r.rolname = session_user
    union
    select m.roleid from membership join pg_catalog.pg_auth_members m on m.member = membership.role
  )
  select pg_catalog.current_setting('server_version_num')::int as version_num,
         pg_catalog.current_setting('server_version') as version,
         pg_catalog.pg_is_in_recovery() as in_recovery,
         pg_catalog.current_database()::text as database,
         pg_catalog.current_setting('default_transaction_read_only')::bool as read_only,
         pg_catalog.pg_backend_pid() as pid,
         ${recognisedService} as service,
         r.rolname::text as name, r.rolsuper as superuser, r.rolcreaterole as create_role, r.rolcreatedb as create_db,
         r.rolreplication as replication, r.rolbypassrls as bypass_rls,
         (select coalesce(pg_catalog.json_agg(p.rolname order by p.rolname), '[]')::text
            from membership join pg_catalog.pg_roles p on p.oid = membership.role
           where p.rolname like 'pg\\_%') as predefined,
         (select coalesce(pg_catalog.json_agg(p.rolname order by p.rolname), '[]')::text
            from membership join pg_catalog.pg_roles p on p.oid = membership.role
           where p.rolname like 'pg\\_%' and pg_catalog.pg_has_role(r.oid, p.oid, 'USAGE')) as effective
    from pg_catalog.pg_roles r where r.rolname = session_user`).text;

const row = {
  version_num: z.int(),
  version: z.string(),
  in_recovery: z.boolean(),
  database: z.string(),
  read_only: z.boolean(),
  pid: z.int(),
  service: z.enum(MANAGED_SERVICES).nullable(),
  name: z.string(),
  superuser: z.boolean(),
  create_role: z.boolean(),
  create_db: z.boolean(),
  replication: z.boolean(),
  bypass_rls: z.boolean(),
  predefined: z.array(z.string()),
  effective: z.array(z.string()),
};
const shape = compileShape(row);

/** On the server, should we be gone by then. */
const TIME_LIMIT_MS = 10_000;

/** One round trip, and a ROLLBACK behind it. Rejects as `exchange` does. */
export async function readServerFacts(wire: Wire): Promise<ServerFacts> {
  const opening = openingSteps({
    major: 0, // unknown yet, so without what came later
    isolation: 'read committed',
    applicationName: 'howdah',
    lockTimeoutMs: TIME_LIMIT_MS,
    remainingMs: TIME_LIMIT_MS,
  });
  const results = await wire.exchange([...opening, { text: FACTS, values: [] }]);
  await wire.exchange([ROLLBACK]);
  const result = results.at(-1);
  const [facts] = result ? (decodeRows(result, shape) as z.output<z.ZodObject<typeof row>>[]) : [];
  if (!facts) throw new Error('the login has no entry in pg_roles');
  return {
    backendPid: facts.pid,
    readOnlyByDefault: facts.read_only,
    connection: {
      versionNum: facts.version_num,
      major: Math.floor(facts.version_num / 10_000),
      version: facts.version,
      inRecovery: facts.in_recovery,
      database: facts.database,
      service: facts.service,
      role: {
        name: facts.name,
        superuser: facts.superuser,
        createRole: facts.create_role,
        createDatabase: facts.create_db,
        replication: facts.replication,
        bypassRls: facts.bypass_rls,
        predefinedRoles: facts.predefined,
        effectiveRoles: facts.effective,
      },
    },
  };
}
