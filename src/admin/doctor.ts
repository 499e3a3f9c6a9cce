import { z } from 'zod';
import { PlatformError } from '../core/errors.ts';
import { byServerVersion, definePart, sql } from '../tools/kit/index.ts';
import { sharedInputs } from '../tools/kit/inputs.ts';
import { composeAnswer } from '../tools/kit/answer.ts';
import { commonOutput, requireTarget } from '../tools/kit/tool.ts';
import { defineAdmin } from './admin-operation.ts';
import { diagnose, unseen } from './doctor-findings.ts';
import { login, visitLogins } from './doctor-logins.ts';
import { pooler, visitPoolers } from './doctor-poolers.ts';

const reading = definePart({
  what: 'what the login may see and do',
  row: {
    preload: z.string().nullable(),
    track_io_timing: z.boolean(),
    statements_version: z.string().nullable(),
    statements_available: z.boolean(),
    encrypted: z.boolean().nullable(),
    over_network: z.boolean(),
    writable_tables: z.int(),
    clock_ms: z.int(),
  },
  sql: byServerVersion({
    12: sql`
      select (select s.setting from pg_catalog.pg_settings s where s.name = 'shared_preload_libraries') as preload,
             pg_catalog.current_setting('track_io_timing') = 'on' as track_io_timing,
             (select e.extversion from pg_catalog.pg_extension e
               where e.extname = 'pg_stat_statements') as statements_version,
             exists (select from pg_catalog.pg_available_extensions a
                      where a.name = 'pg_stat_statements') as statements_available,
             (select s.ssl from pg_catalog.pg_stat_ssl s where s.pid = pg_catalog.pg_backend_pid()) as encrypted,
             pg_catalog.inet_client_addr() is not null as over_network,
             (select pg_catalog.count(*)
                from pg_catalog.pg_class c
                join pg_catalog.pg_namespace n on n.oid = c.relnamespace
               where c.relkind in ('r', 'p')
                 and n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
                 and pg_catalog.has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')) as writable_tables,
             (extract(epoch from pg_catalog.clock_timestamp()) * 1000)::pg_catalog.int8 as clock_ms`,
  }),
});

export const doctor = defineAdmin({
  name: 'doctor',
  area: 'server',
  title: 'What a login lacks or has too much of',
  description: 'What the login of a server may see and do, what the diagnostics lack, and the statements that mend it.',
  reaches: 'server',
  input: sharedInputs,
  output: {
    ...commonOutput,
    address: z.string(),
    version: z.string(),
    in_recovery: z.boolean(),
    role: z.string(),
    encrypted: z.boolean().nullable(),
    round_trip: z.number().meta({ unit: 'ms' }),
    logins: z.array(z.object(login)).optional().describe('For SQL of callers; left out where none is configured.'),
    poolers: z.array(z.object(pooler)).optional().describe('Left out where none is configured.'),
  },
  run: async (_, context) => {
    const target = requireTarget(context);
    const look = target.readOnly(async (session) => {
      const sentMs = Date.now();
      const started = performance.now();
      const [first] = await reading.read(session, {});
      if (first === undefined) throw new PlatformError('QUERY_FAILED', 'The server answered with no row.');
      const tookMs = performance.now() - started;
      return { facts: session.facts, row: first, roundTripMs: tookMs, skewMs: first.clock_ms - (sentMs + tookMs / 2) };
    });
    const visits = Promise.all([look, visitPoolers(target), visitLogins(target, context)]);
    const [{ facts, row, roundTripMs, skewMs }, poolers, logins] = await visits;
    const findings = [...diagnose(facts, row, Math.round(skewMs)), ...logins.findings, ...poolers.findings];
    return composeAnswer(
      target,
      { findings, gaps: unseen(facts, row), facts },
      {
        address: target.server.address,
        version: facts.version,
        in_recovery: facts.inRecovery,
        role: facts.role.name,
        encrypted: row.encrypted,
        round_trip: Math.round(roundTripMs * 10) / 10,
        ...(logins.rows.length > 0 && { logins: logins.rows }),
        ...(poolers.rows.length > 0 && { poolers: poolers.rows }),
      },
    );
  },
});
