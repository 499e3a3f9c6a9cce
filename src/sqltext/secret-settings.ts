import { scrubSecrets } from '../core/secret-text.ts';

const WITHHELD = '[withheld]';

/** Settings that are commands or connection strings: https://www.postgresql.org/docs/current/runtime-config.html */
const SECRET = new Set([
  'archive_command',
  'archive_cleanup_command',
  'primary_conninfo',
  'recovery_end_command',
  'restore_command',
  'basebackup_to_shell.command',
  'citus.node_conninfo',
  'pglogical.extra_connection_options',
  'plperl.on_init',
  'plperl.on_plperl_init',
  'plperl.on_plperlu_init',
  'plv8.start_proc',
  'postgis.gdal_vsi_options',
]);
const SECRET_NAME =
  /passphrase_command$|passw(?:or)?d|pwd|passphrase|secret|token|credential|conninfo|connection_string|dsn|salt|private|api_?key|(?:^|[._])key$|_key$/;
/** These have a secret's name and none in their value. */
const HARMLESS = new Set([
  'md5_password_warnings',
  'password_encryption',
  'ssl_passphrase_command_supports_reload',
  'rds.accepted_password_auth_method',
  'rds.restrict_password_commands',
]);
/** Extensions whose settings are not made up by applications. */
const KNOWN_EXTENSIONS = new Set(
  `auth_delay auto_explain azure basebackup_to_shell bloom citus cloudsql cron hnsw hypopg isn ivfflat pg_hint_plan
  pg_partman_bgw pg_prewarm pg_qualstats pg_similarity pg_squeeze pg_stat_kcache pg_stat_monitor pg_stat_statements pg_trgm
  pg_wait_sampling pgaudit pglogical plan_filter plperl plpgsql plpgsql_check pltcl plv8 postgis postgres_fdw powa rds
  repmgr sepgsql set_user timescaledb vchord vectors`.split(/\s+/),
);

/** Whether the value of a setting may be, or hold, a secret. A custom setting may, unless its extension is known. */
export function isSecretSetting(name: string): boolean {
  const lower = name.toLowerCase();
  if (HARMLESS.has(lower)) return false;
  const dot = lower.indexOf('.');
  return namesSecret(lower) || (dot !== -1 && !KNOWN_EXTENSIONS.has(lower.slice(0, dot)));
}

/** Whether the name itself says that the value is, or holds, a secret. */
export function namesSecret(name: string): boolean {
  const lower = name.toLowerCase();
  return !HARMLESS.has(lower) && (SECRET.has(lower) || SECRET_NAME.test(lower));
}

/** The value as it may be shown. That a setting is empty or `(disabled)` is no secret. */
export function maskSetting(name: string, value: string | null): string | null {
  if (value === null || value === '' || value === '(disabled)') return value;
  return isSecretSetting(name) ? WITHHELD : scrubSecrets(value);
}
