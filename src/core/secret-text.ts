/** Stands where a secret was. */
export const REDACTED = '[redacted]';

const SECRET_WORDS = new Set(['auth', 'bearer', 'cookie', 'dsn', 'jwt', 'pass', 'pw', 'pwd']);
const SECRET_PARTS =
  /passw(?:or)?d|passphrase|passcode|pgpass|pwd|secret|token|apikey|authorization|credential|privatekey|accesskey|conninfo|connectionstring|connstr/;

/** Whether the name of a key says that its value is a secret, in any case and with any separators. */
export function namesSecret(key: string): boolean {
  const words = key
    .replaceAll(/(?<=[a-z0-9])(?=[A-Z])/g, ' ')
    .toLowerCase()
    .split(/[^a-z0-9]+/);
  return SECRET_PARTS.test(words.join('')) || words.some((word) => SECRET_WORDS.has(word));
}

const NAME = String.raw`(?:passw(?:or)?d|passphrase|passcode|pwd|secret|token|authorization|credentials?|(?:api|private|access|client|server|secret)[_-]?key|\bpass\b|\bpw\b)`;
const IS = String.raw`[\w-]{0,32}\\?["']?\s{0,20}(?::=|=>|[=:])\s{0,20}`;
const SCHEME = String.raw`(?:(?:basic|bearer|digest|token)\s{1,20})?`;
const QUOTED = String.raw`'(?:[^'\\]|\\[^]?|'')*(?:'|$)|"(?:[^"\\]|\\[^]?)*(?:"|$)|\\"(?:[^"\\]|\\(?!"))*(?:\\?"|$)`;
const LITERAL = String.raw`(?:e|n|u&)?'(?:[^'\\]|\\[^]?|'')*(?:'|$)|"[^"]*(?:"|$)|\$\w{0,63}\$[^]*?(?:\$\w{0,63}\$|$)`;
const PORT = String.raw`\d{1,5}(?![^\s/?#,'"();\]])`;

// Every repetition is bounded, or always ends in a match, so that hostile text costs linear time.
const USER_INFO = /\b([a-z][a-z0-9+.-]{0,30}:\/\/[^\s:@/]{0,256}):[^]*/i;
const SECRETS: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [A-Z0-9 ]{1,40}-----[^]*?(?:-----END [A-Z0-9 ]{1,40}-----|$)/g, REDACTED],
  // scheme://user:password that is cut off before the @
  [new RegExp(String.raw`\b([a-z][a-z0-9+.-]{0,30}://[^\s:@/[]{0,256}):(?!${PORT})[^\s[]\S*`, 'gi'), `$1:${REDACTED}`],
  [new RegExp(String.raw`\b(password\s{1,20})(?:${LITERAL})`, 'gi'), `$1${REDACTED}`],
  [new RegExp(String.raw`(${NAME}${IS})${SCHEME}(?:${QUOTED}|(?:\\[^]|[^\s\\])+)`, 'gi'), `$1${REDACTED}`],
  [/\b((?:bearer|basic)\s{1,20})[\w.~+/=-]{16,}/gi, `$1${REDACTED}`],
  [/(?<![\w-])eyJ[\w-]{5,}\.[\w-]{5,}(?:\.[\w-]*){0,3}/g, REDACTED],
  [/(?<![A-Za-z0-9])hdh_[A-Za-z0-9]+_[A-Za-z0-9]+(?:_[A-Za-z0-9]+)?/g, REDACTED],
  [
    /(?<![\w-])(?:gh[oprsu]_|github_pat_|glpat-|npm_|pypi-|sk-|[rs]k_live_|xox[a-z]-|hvs\.|SG\.|ya29\.)[\w.-]{16,}/g,
    REDACTED,
  ],
  [/(?<![A-Za-z0-9])(?:A[KS]IA[0-9A-Z]{16}|AIza[\w-]{35})(?![A-Za-z0-9])/g, REDACTED],
  // What PostgreSQL keeps of a password: https://www.postgresql.org/docs/current/catalog-pg-authid.html
  [/SCRAM-SHA-256\$\d+:[\w+/=$:]+|(?<!\w)md5[0-9a-f]{32}(?!\w)/g, REDACTED],
];

/** Every text that a pattern matches has one of these; most texts have none, and this one search is what they cost. */
const HINT =
  /:\/\/|-----|pass|pwd|pw|secret|token|api|authorization|credential|key|bearer|basic|eyJ|hdh_|gh[oprsu]_|github|glpat|npm_|pypi-|sk-|k_live|xox|hvs\.|sg\.|ya29|a[ks]ia|aiza|scram|md5/i;

/** Replaces what looks like a secret in free text, such as an error message or an application name, cut off or not. */
export function scrubSecrets(text: string): string {
  if (!HINT.test(text)) return text;
  const withoutUserInfo = text.includes('://') ? text.replaceAll(/\S+/g, scrubUserInfo) : text;
  return SECRETS.reduce(
    (scrubbed, [pattern, replacement]) => scrubbed.replaceAll(pattern, replacement),
    withoutUserInfo,
  );
}

/** scheme://user:password@host in a word, where the password may hold @ or /: it ends at the last @. */
function scrubUserInfo(word: string): string {
  const end = word.lastIndexOf('@');
  if (end === -1) return word;
  return word.slice(0, end).replace(USER_INFO, `$1:${REDACTED}`) + word.slice(end);
}
