import { DatabaseError } from 'pg';
import { PlatformError } from '../core/errors.ts';
import { quoteIdentifier } from '../postgres/sql.ts';
import type { ConnectionTarget } from '../postgres/target.ts';
import type { Wire } from '../postgres/wire.ts';
import { readMigrations, type Migration } from './migrations.ts';
import { openPlainSession } from './plain-session.ts';

export interface MigrateOptions {
  /** The login that owns the tables. */
  readonly owner: ConnectionTarget;
  /** The role that Howdah runs with, which may be the same. */
  readonly runRole: string;
  /** `audit.retention` in months; null for ever. */
  readonly retentionMonths: number | null;
  readonly migrations?: readonly Migration[];
}

export interface Migrated {
  /** The names of the steps that were taken now. */
  readonly applied: readonly string[];
  readonly version: number;
  /** One role has both tasks: it could change the audit log. */
  readonly oneRole: boolean;
}

/** One process at a time migrates: an advisory lock of the store's database. */
const LOCK = '(1213159236, 2)';

/**
 * Brings the store to the schema of this program; whoever comes second finds it done. A step that fails leaves the
 * schema of before. Fails with CONFLICT where the store is newer than the program.
 */
export async function migrateStore(options: MigrateOptions): Promise<Migrated> {
  const { owner, runRole, retentionMonths, migrations = await readMigrations() } = options;
  const wire = await openPlainSession(owner);
  try {
    await wire.command(`set search_path = pg_catalog; set client_min_messages = error; set lock_timeout = '60s'`);
    await wire.command(`select pg_catalog.pg_advisory_lock${LOCK}`);
    await prepare(wire);
    const found = await appliedVersion(wire, migrations);
    const missing = migrations.slice(found);
    for (const migration of missing) await apply(wire, migration);
    await grant(wire, { runRole, retentionMonths });
    return { applied: missing.map(({ name }) => name), version: migrations.length, oneRole: owner.user === runRole };
  } finally {
    await wire.end();
  }
}

/** How far a store is, for a login that cannot migrate it. Fails with CONFLICT where it is not as the program needs it. */
export async function requireCurrent(wire: Pick<Wire, 'exchange'>): Promise<void> {
  const migrations = await readMigrations();
  const found = await appliedVersion(wire, migrations).catch((error: unknown) => {
    // undefined_table, invalid_schema_name, insufficient_privilege
    if (error instanceof DatabaseError && ['42P01', '3F000', '42501'].includes(error.code ?? '')) return 0;
    throw error;
  });
  if (found === migrations.length) return;
  throw new PlatformError(
    'CONFLICT',
    `The store has the schema ${found}, and this Howdah needs ${migrations.length}.`,
    {
      hint: 'Run `howdah migrate` with store.migrate_url set to the login that owns the tables.',
      details: { store_version: found, program_version: migrations.length, is_older: true },
    },
  );
}

async function prepare(wire: Wire): Promise<void> {
  try {
    await wire.command(`
      create schema if not exists howdah;
      create table if not exists howdah.migration (
        version    int primary key,
        name       text not null,
        digest     text not null,
        applied_at timestamptz not null default clock_timestamp(),
        applied_by text not null default session_user
      )`);
  } catch (error) {
    throw explain(error, 'The schema `howdah` cannot be made in the store.');
  }
}

/** Fails with CONFLICT for a store that a newer program made, or whose steps are not those of this one. */
async function appliedVersion(wire: Pick<Wire, 'exchange'>, known: readonly Migration[]): Promise<number> {
  const text = 'select version, name, digest from howdah.migration order by version';
  const [result] = await wire.exchange([{ text, values: [] }]);
  const rows = result?.rows ?? [];
  if (rows.length > known.length) {
    throw new PlatformError(
      'CONFLICT',
      `The store has the schema ${rows.length}, and this Howdah knows it up to ${known.length}.`,
      {
        hint: 'A newer Howdah has migrated the store. Start that one; the way back is a backup of before.',
        details: { store_version: rows.length, program_version: known.length },
      },
    );
  }
  for (const [i, [, name, digest]] of rows.entries()) {
    if (known[i]?.digest === digest) continue;
    throw new PlatformError('CONFLICT', `The store was made by another step ${i + 1}: ${name}.`, {
      hint: 'It belongs to a Howdah with another history. Use a store of your own, or that Howdah.',
    });
  }
  return rows.length;
}

async function apply(wire: Wire, { version, name, text, digest }: Migration): Promise<void> {
  try {
    await wire.command('begin');
    await wire.command(text);
    const step = 'insert into howdah.migration (version, name, digest) values ($1, $2, $3)';
    await wire.exchange([{ text: step, values: [String(version), name, digest] }]);
    await wire.command('commit');
  } catch (error) {
    await wire.command('rollback').catch(() => undefined);
    throw explain(error, `The step ${name} failed; the store is as it was before.`);
  }
}

/** What the role that Howdah runs with may do: read, and add to what is append-only. */
async function grant(
  wire: Wire,
  { runRole, retentionMonths }: Pick<MigrateOptions, 'runRole' | 'retentionMonths'>,
): Promise<void> {
  const role = quoteIdentifier(runRole);
  const [result] = await wire.exchange([
    {
      text: `select c.relname, pg_catalog.obj_description(c.oid, 'pg_class') from pg_catalog.pg_class c
              where c.relnamespace = 'howdah'::pg_catalog.regnamespace and c.relkind in ('r', 'p', 'v', 'm')
                and (not c.relispartition or pg_catalog.obj_description(c.oid, 'pg_class') like 'may: %')`,
      values: [],
    },
  ]);
  const tables = (result?.rows ?? []).map(([name, comment]) => ({
    name: `howdah.${quoteIdentifier(name ?? '')}`,
    rights: /may: ([a-z, ]+)/.exec(comment ?? '')?.[1] ?? 'select',
  }));
  await wire.command(
    [
      'begin',
      `grant usage on schema howdah to ${role}`,
      `grant execute on all functions in schema howdah to ${role}`,
      ...tables.map(({ name, rights }) => `grant ${rights} on ${name} to ${role}`),
      `delete from howdah.owner_setting where name = 'audit_retention_months'`,
      ...(retentionMonths === null
        ? []
        : [`insert into howdah.owner_setting values ('audit_retention_months', '${retentionMonths}')`]),
      'commit',
    ].join(';\n'),
  );
}

function explain(error: unknown, message: string): unknown {
  if (!(error instanceof DatabaseError)) return error;
  return new PlatformError('QUERY_FAILED', message, {
    hint: `PostgreSQL says: ${error.message}.`,
    details: { sqlstate: error.code },
    cause: error,
  });
}
