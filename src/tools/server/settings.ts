import { z } from 'zod';
import { maskSetting } from '../../sqltext/secret-settings.ts';
import {
  byServerVersion,
  changeSettings,
  definePart,
  excessOf,
  gather,
  MONITORING_ROLE,
  quoteIdentifier,
  quoteName,
  sql,
  type ConnectionFacts,
  type Finding,
  type RowOf,
} from '../kit/index.ts';
import { isOfServerOrDatabase } from './setting-source.ts';

const RESOURCES = 'https://www.postgresql.org/docs/current';

interface Danger {
  readonly severity: Finding['severity'];
  readonly claim: string;
  readonly why: string;
  readonly safe: 'on' | 'off';
  /** What is left to do when it is safe again. */
  readonly afterwards?: string;
}

/** Settings that cost data or, in time, the service, while they are not safe. */
const DANGEROUS: Readonly<Record<string, Danger>> = {
  fsync: {
    severity: 'critical',
    safe: 'on',
    claim: 'fsync is off: a crash of the machine can destroy every database.',
    why: `${RESOURCES}/runtime-config-wal.html#GUC-FSYNC`,
    afterwards: '-- then run sync on its machine: what was written meanwhile may still be in its caches only',
  },
  full_page_writes: {
    severity: 'critical',
    safe: 'on',
    claim:
      'full_page_writes is off: a crash of the machine can leave pages half written, unless the file system never does (ZFS).',
    why: `${RESOURCES}/runtime-config-wal.html#GUC-FULL-PAGE-WRITES`,
  },
  autovacuum: {
    severity: 'warning',
    safe: 'on',
    claim: 'autovacuum is off: dead rows stay, statistics age, and transaction ids run out.',
    why: `${RESOURCES}/runtime-config-vacuum.html#GUC-AUTOVACUUM`,
  },
  track_counts: {
    severity: 'warning',
    safe: 'on',
    claim: 'track_counts is off, so autovacuum has nothing to go by.',
    why: `${RESOURCES}/runtime-config-statistics.html#GUC-TRACK-COUNTS`,
  },
  zero_damaged_pages: {
    severity: 'critical',
    safe: 'off',
    claim: 'zero_damaged_pages is on: damaged pages are emptied instead of reported.',
    why: `${RESOURCES}/runtime-config-developer.html#GUC-ZERO-DAMAGED-PAGES`,
  },
  ignore_checksum_failure: {
    severity: 'critical',
    safe: 'off',
    claim: 'ignore_checksum_failure is on: damaged pages are used as if they were whole.',
    why: `${RESOURCES}/runtime-config-developer.html#GUC-IGNORE-CHECKSUM-FAILURE`,
  },
};

export const settings = definePart({
  what: 'settings',
  row: {
    name: z.string(),
    value: z.string().nullable(),
    source: z.string(),
    pending_restart: z.boolean(),
    dangerous: z.boolean(),
  },
  sql: byServerVersion({
    12: sql`
      select q.name, q.value, q.source, q.pending_restart, q.dangerous
        from (
          -- where the command line has the last word, a restart changes nothing
          select s.name, s.setting as value, s.source, s.pending_restart and s.source <> 'command line' as pending_restart,
                 ${isOfServerOrDatabase(sql`s.source`)} and (s.name, s.setting) in (
                   ('fsync', 'off'), ('full_page_writes', 'off'), ('autovacuum', 'off'), ('track_counts', 'off'),
                   ('zero_damaged_pages', 'on'), ('ignore_checksum_failure', 'on')
                 ) as dangerous
            from pg_catalog.pg_settings s
        ) q
       where q.pending_restart or q.dangerous
       order by q.dangerous desc, q.name`,
  }),
});
type Setting = RowOf<typeof settings>;

export function showSettings(rows: readonly Setting[]): Setting[] {
  return rows.map((row) => ({ ...row, value: maskSetting(row.name, row.value) }));
}

export const extensions = definePart({
  what: 'extensions',
  row: {
    extension: z.string(),
    schema: z.string().meta({ names: 'schema' }),
    version: z.string(),
    available: z.string().nullable().describe('The version that the server would install now.'),
    update_path: z.boolean().nullable().describe('Whether its scripts lead there; null where it is there.'),
  },
  sql: byServerVersion({
    12: sql`
      select e.extname as extension, n.nspname as schema, e.extversion as version, a.default_version as available,
             case when e.extversion <> a.default_version then exists (
               select from pg_catalog.pg_extension_update_paths(e.extname) u
                where u.source = e.extversion and u.target = a.default_version and u.path is not null) end as update_path
        from pg_catalog.pg_extension e
        join pg_catalog.pg_namespace n on n.oid = e.extnamespace
        left join pg_catalog.pg_available_extensions a on a.name = e.extname
       order by e.extname`,
  }),
});

/** ALTER SYSTEM succeeds and changes nothing where something has precedence over the files. */
function mend(name: string, source: string, service: ConnectionFacts['service']): string {
  const look = `SELECT name, setting, source, sourcefile FROM pg_settings WHERE name = '${name}';`;
  if (source === 'command line') {
    return `${look}\n-- set where the server is started, on its command line, which has precedence over every file: change it there and restart`;
  }
  if (source === 'database') {
    return `SELECT d.datname, r.setconfig FROM pg_db_role_setting r JOIN pg_database d ON d.oid = r.setdatabase;\n-- ALTER DATABASE … RESET ${name} takes it back`;
  }
  const { safe, afterwards } = DANGEROUS[name] ?? {};
  return [
    changeSettings(service, [{ name, value: safe ?? 'DEFAULT' }]),
    ...(afterwards === undefined ? [] : [afterwards]),
  ].join('\n');
}

export function judgeSettings(rows: readonly Setting[], service: ConnectionFacts['service']): Finding[] {
  const dangerous = rows.flatMap(({ name, value, source, dangerous }): Finding[] => {
    const known = dangerous ? DANGEROUS[name] : undefined;
    if (!known) return [];
    const { severity, claim, why } = known;
    const object = quoteIdentifier(name);
    return [
      { severity, claim, why, object, evidence: { [name]: value, source }, next_step: mend(name, source, service) },
    ];
  });
  const pending = rows.filter(({ pending_restart }) => pending_restart).map(({ name }) => name);
  if (pending.length === 0) return dangerous;
  return [
    ...dangerous,
    {
      severity: 'notice',
      claim: 'Settings were changed that take a restart to come into force.',
      evidence: { count: pending.length, settings: pending.slice(0, 20).join(', ') },
      why: `${RESOURCES}/view-pg-settings.html`,
      next_step: 'SELECT name, setting, sourcefile, sourceline FROM pg_settings WHERE pending_restart;',
    },
  ];
}

/** ALTER EXTENSION … UPDATE fails where no scripts lead from the one version to the other. */
export function judgeExtensions(rows: readonly RowOf<typeof extensions>[]): Finding[] {
  return gather(
    rows
      .filter(({ update_path }) => update_path === true)
      .map(({ extension, schema, version, available }) => ({
        severity: 'notice' as const,
        claim: `The extension ${quoteIdentifier(extension)} is at version ${version}, and the server has ${available}.`,
        object: quoteName(schema, extension),
        evidence: { version, available },
        why: `${RESOURCES}/sql-alterextension.html`,
        next_step: `ALTER EXTENSION ${quoteIdentifier(extension)} UPDATE;`,
      })),
    (count) => `${count} extensions are behind the versions that the server has.`,
  );
}

/** Diagnostics need no more than pg_monitor: https://www.postgresql.org/docs/current/predefined-roles.html */
export function judgeLogin(role: ConnectionFacts['role']): Finding[] {
  const { attributes, memberOf, takeBack } = excessOf(role);
  if (!role.superuser && takeBack.length === 0) return [];
  const name = quoteIdentifier(role.name);
  return [
    {
      severity: 'notice',
      claim: `The login ${name} may do more than diagnostics need${role.superuser ? ': it is a superuser' : ''}.`,
      object: name,
      evidence: { superuser: role.superuser, attributes: attributes.join(', '), member_of: memberOf.join(', ') },
      why: `${RESOURCES}/predefined-roles.html`,
      next_step: role.superuser ? MONITORING_ROLE : takeBack.join('\n'),
    },
  ];
}
