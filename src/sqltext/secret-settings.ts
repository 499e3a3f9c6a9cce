const WITHHELD = '[withheld]';

/** Settings that are commands or connection strings: https://www.postgresql.org/docs/current/runtime-config.html */
const SECRET = new Set([
  'archive_command',
  'archive_cleanup_command',
  'primary_conninfo',
  'recovery_end_command',
  'restore_command',
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
  if (SECRET.has(lower) || SECRET_NAME.test(lower)) return true;
  const dot = lower.indexOf('.');
  return dot !== -1 && !KNOWN_EXTENSIONS.has(lower.slice(0, dot));
}

/** The value as it may be shown. That a setting is empty or `(disabled)` is no secret. */
export function maskSetting(name: string, value: string | null): string | null {
  if (value === null || value === '' || value === '(disabled)') return value;
  return isSecretSetting(name) ? WITHHELD : scrubText(value);
}

const NAME = String.raw`(?:passw(?:or)?d|passphrase|passcode|pwd|secret|token|authorization|credentials?|(?:api|private|access|client|server|secret)[_-]?key|\bpass\b|\bpw\b)`;
const IS = String.raw`[\w-]{0,32}\\?["']?\s{0,20}(?::=|=>|[=:])\s{0,20}`;
const SCHEME = String.raw`(?:(?:basic|bearer|digest|token)\s{1,20})?`;
const QUOTED = String.raw`'(?:[^'\\]|\\[^]?|'')*(?:'|$)|"(?:[^"\\]|\\[^]?)*(?:"|$)|\\"(?:[^"\\]|\\(?!"))*(?:\\?"|$)`;
const LITERAL = String.raw`(?:e|n|u&)?'(?:[^'\\]|\\[^]?|'')*(?:'|$)|"[^"]*(?:"|$)|\$\w{0,63}\$[^]*?(?:\$\w{0,63}\$|$)`;
const PORT = String.raw`\d{1,5}(?![^\s/?#,'"();\]])`;

// Every repetition is bounded, or always ends in a match, so that hostile text costs linear time.
const SECRETS: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [A-Z0-9 ]{1,40}-----[^]*?(?:-----END [A-Z0-9 ]{1,40}-----|$)/g, WITHHELD],
  // scheme://user:password@host, where the password may hold @ or / or be cut off before the @
  [/\b([a-z][a-z0-9+.-]{0,30}:\/\/[^\s:@/]{0,256}):\S{0,1024}@/gi, `$1:${WITHHELD}@`],
  [new RegExp(String.raw`\b([a-z][a-z0-9+.-]{0,30}://[^\s:@/[]{0,256}):(?!${PORT})[^\s[]\S*`, 'gi'), `$1:${WITHHELD}`],
  [new RegExp(String.raw`\b(password\s{1,20})(?:${LITERAL})`, 'gi'), `$1${WITHHELD}`],
  [new RegExp(String.raw`(${NAME}${IS})${SCHEME}(?:${QUOTED}|(?:\\[^]|[^\s\\])+)`, 'gi'), `$1${WITHHELD}`],
  [/\b((?:bearer|basic)\s{1,20})[\w.~+/=-]{16,}/gi, `$1${WITHHELD}`],
  [/(?<![\w-])eyJ[\w-]{5,}\.[\w-]{5,}(?:\.[\w-]*){0,3}/g, WITHHELD],
  [/(?<![A-Za-z0-9])hdh_[A-Za-z0-9]+_[A-Za-z0-9]+(?:_[A-Za-z0-9]+)?/g, WITHHELD],
  [
    /(?<![\w-])(?:gh[oprsu]_|github_pat_|glpat-|npm_|pypi-|sk-|[rs]k_live_|xox[a-z]-|hvs\.|SG\.|ya29\.)[\w.-]{16,}/g,
    WITHHELD,
  ],
  [/(?<![A-Za-z0-9])(?:A[KS]IA[0-9A-Z]{16}|AIza[\w-]{35})(?![A-Za-z0-9])/g, WITHHELD],
  // What PostgreSQL keeps of a password: https://www.postgresql.org/docs/current/catalog-pg-authid.html
  [/SCRAM-SHA-256\$\d+:[\w+/=$:]+|(?<!\w)md5[0-9a-f]{32}(?!\w)/g, WITHHELD],
];

/** Replaces what looks like a secret in free text, such as an error message or an application name, cut off or not. */
export function scrubText(text: string): string {
  return SECRETS.reduce((scrubbed, [pattern, replacement]) => scrubbed.replaceAll(pattern, replacement), text);
}
