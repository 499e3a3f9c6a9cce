import { z } from 'zod';
import { byServerVersion, definePart, sql, type Finding, type NotExamined, type RowOf } from '../kit/index.ts';

const FILE_SETTINGS = 'https://www.postgresql.org/docs/current/view-pg-file-settings.html';

/** Superusers may, and who was granted it; asking first leaves no error in the log of the server. */
export const mayReadFiles = definePart({
  what: 'whether the configuration files may be read',
  row: { granted: z.boolean() },
  sql: byServerVersion({
    12: sql`
      select pg_catalog.has_table_privilege('pg_catalog.pg_file_settings', 'SELECT')
             and pg_catalog.has_function_privilege('pg_catalog.pg_show_all_file_settings()', 'EXECUTE') as granted`,
  }),
});

/** Values are left out: what is on a line that is wrong may be anything. */
export const fileErrors = definePart({
  what: 'errors in the configuration files',
  row: {
    file: z.string().nullable().meta({ names: 'text' }),
    line: z.int().nullable(),
    name: z.string().nullable().meta({ names: 'text' }),
    error: z.string().meta({ names: 'text' }),
  },
  sql: byServerVersion({
    12: sql`
      select f.sourcefile as file, f.sourceline as line, f.name, f.error
        from pg_catalog.pg_file_settings f
       where f.error is not null
       order by f.seqno
       limit 100`,
  }),
});
type FileError = RowOf<typeof fileErrors>;

/** In this order and in one session: reading the files marks there what only waits for a restart. */
export const heldForRestart = definePart({
  what: 'settings that wait for a restart',
  row: { name: z.string() },
  sql: byServerVersion({ 12: sql`select s.name from pg_catalog.pg_settings s where s.pending_restart` }),
});

/** PostgreSQL says of what only waits for a restart, too, that it could not be applied. */
export function withoutHeld(errors: readonly FileError[], held: readonly RowOf<typeof heldForRestart>[]): FileError[] {
  const names = new Set<string | null>(held.map(({ name }) => name));
  return errors.filter(({ name }) => !names.has(name));
}

export function judgeFiles(errors: readonly FileError[]): Finding[] {
  const [first] = errors;
  if (!first) return [];
  return [
    {
      severity: 'critical',
      claim: 'The configuration files hold errors: a reload may change nothing, and the server does not start again.',
      evidence: { count: errors.length, file: first.file, line: first.line, name: first.name, error: first.error },
      why: FILE_SETTINGS,
      next_step: 'SELECT sourcefile, sourceline, name, error FROM pg_file_settings WHERE error IS NOT NULL;',
    },
  ];
}

/** No remedy: a login that may read the files sees every value in them, passwords too. */
export const FILES_UNREAD: NotExamined = {
  what: fileErrors.what,
  reason: 'Only a superuser may read pg_file_settings, which has every value as it is written, secrets too.',
};
