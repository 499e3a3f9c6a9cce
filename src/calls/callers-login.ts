import type { Finding } from '../contract/finding.ts';
import { PlatformError } from '../core/errors.ts';
import type { FleetLogin, FleetServer } from '../fleet/fleet.ts';
import type { LoginProfile, Power } from '../fleet/login-profile.ts';
import { quoteIdentifier } from '../postgres/sql.ts';
import type { CompiledPersona } from '../policy/policy.ts';

/** How a call came in, as far as it decides which login may run what its caller wrote. */
export type Transport = 'stdio' | 'cli' | 'http';

export interface ChosenLogin {
  readonly login: FleetLogin;
  /** Whether a login of its own runs the statement; the one of the URL otherwise, which may be able to do anything. */
  readonly isOwn: boolean;
}

const READER = 'howdah_reader';

/**
 * The login that runs what the caller wrote: the one that the persona names. Where no login was made at all, a caller on
 * this machine has that of the URL. Fails with UNSUPPORTED, and the statements that make one.
 */
export function chooseLogin(
  server: FleetServer,
  { name: persona, login }: Pick<CompiledPersona, 'name' | 'login'>,
  { transport, database }: { readonly transport: Transport; readonly database: string },
): ChosenLogin {
  const named = login === undefined ? undefined : server.logins.get(login);
  if (named) return { login: named, isOwn: true };
  if (login === undefined && server.logins.size === 0 && transport !== 'http') {
    return { login: server.ownLogin, isOwn: false };
  }
  const lacks =
    login === undefined
      ? `The persona "${persona}" names no login for SQL of its own callers.`
      : `The server "${server.name}" has no login "${login}", which the persona "${persona}" names.`;
  const made = [...server.logins.keys()];
  const existing = made.length === 0 ? '' : `\n-- or one that is there: ${made.join(', ')}`;
  throw new PlatformError('UNSUPPORTED', lacks, {
    hint: `An administrator can make one:\n${makeReader(database)}\n${configureReader(server.name, persona, login)}${existing}`,
  });
}

/** The statements that make a login that reads and does nothing else. */
export function makeReader(database: string, role = READER): string {
  const name = quoteIdentifier(role);
  const place = quoteIdentifier(database);
  return [
    `CREATE ROLE ${name} LOGIN CONNECTION LIMIT 8;`,
    `ALTER ROLE ${name} SET default_transaction_read_only = on;`,
    `GRANT CONNECT ON DATABASE ${place} TO ${name};`,
    `REVOKE TEMPORARY ON DATABASE ${place} FROM PUBLIC; -- and grant it again to the roles that need it`,
    'REVOKE CREATE ON SCHEMA public FROM PUBLIC; -- before PostgreSQL 15',
    `GRANT USAGE ON SCHEMA public TO ${name}; -- and on each schema that callers may read`,
    `GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${name}; -- or on those tables that callers may read`,
    `-- as superuser, which managed services keep to themselves: ALTER ROLE ${name} SET temp_file_limit = '1GB';`,
    `-- then, in psql, so that it is in no log: \\password ${role}`,
  ].join('\n');
}

function configureReader(server: string, persona: string, login = 'reader'): string {
  const password = '{ env: HOWDAH_READER_PASSWORD }';
  return [
    `-- in the configuration: servers.${server}.logins.${login}: { user: ${READER}, password: ${password} }`,
    `-- and: personas.${persona}.login: ${login}`,
  ].join('\n');
}

/** Fails with UNSUPPORTED for a login that could do more than read, and says what takes that away. */
export function requireReader(profile: LoginProfile): void {
  const { role, powers } = profile;
  if (powers.length === 0) return;
  throw new PlatformError(
    'UNSUPPORTED',
    `The login "${role}" may do more than read, so that it runs no SQL of callers: ${describePowers(powers)}.`,
    { hint: mendLogin(profile).join('\n'), details: { login: role } },
  );
}

export function describePowers(powers: readonly Power[]): string {
  return powers.map(({ kind, objects }) => `${POWERS[kind].is} ${listed(objects)}`).join('; ');
}

/** What takes the powers away, to be reviewed. */
export function mendLogin({ role, powers }: Pick<LoginProfile, 'role' | 'powers'>): string[] {
  const name = quoteIdentifier(role);
  return powers.flatMap(({ kind, objects }) => POWERS[kind].mend(name, objects));
}

interface PowerText {
  readonly is: string;
  mend(role: string, objects: readonly string[]): string[];
}

const POWERS: Readonly<Record<Power['kind'], PowerText>> = {
  attribute: {
    is: 'it, or a role that it is a member of, has',
    mend: (role, objects) => [`ALTER ROLE ${role} ${objects.map((each) => `NO${each}`).join(' ')};`],
  },
  'predefined role': {
    is: 'it is a member of',
    mend: (role, objects) =>
      objects.map((each) => `REVOKE ${each} FROM ${role}; -- or from the role through which it is a member`),
  },
  'admin option': {
    is: 'it may grant',
    mend: (role, objects) => objects.map((each) => `REVOKE ADMIN OPTION FOR ${each} FROM ${role};`),
  },
  ownership: {
    is: 'it owns',
    mend: (role) => [`REASSIGN OWNED BY ${role} TO another_role; -- in each database`],
  },
  write: {
    is: 'it may change',
    mend: (role, objects) =>
      objects.flatMap((each) => [
        `REVOKE INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON ${each} FROM ${role}; -- and from PUBLIC, or the role that has it`,
      ]),
  },
  sequence: {
    is: 'it may advance',
    mend: (role, objects) => objects.map((each) => `REVOKE USAGE, UPDATE ON SEQUENCE ${each} FROM ${role};`),
  },
  'create in schema': {
    is: 'it may create in the schema',
    mend: (role, objects) => objects.map((each) => `REVOKE CREATE ON SCHEMA ${each} FROM ${role}, PUBLIC;`),
  },
  'create in database': {
    is: 'it may create schemas in the database',
    mend: (role, objects) => objects.map((each) => `REVOKE CREATE ON DATABASE ${each} FROM ${role}, PUBLIC;`),
  },
};

function listed(objects: readonly string[]): string {
  return objects.length < 5 ? objects.join(', ') : `${objects.slice(0, 4).join(', ')} and more`;
}

/** What the answer must say first where the login of the URL ran what the caller wrote. */
export function warnOfOwnLogin(
  { role, powers }: LoginProfile,
  { server, persona, database }: { readonly server: string; readonly persona: string; readonly database: string },
): Finding {
  const claim =
    powers.length === 0
      ? `SQL of callers runs on the login of the connection URL, ${quoteIdentifier(role)}, which diagnostics use too.`
      : `SQL of callers runs on the login of the connection URL, ${quoteIdentifier(role)}, which may do more than read: only Howdah itself stands between a statement and the data.`;
  return {
    severity: 'warning',
    claim,
    object: quoteIdentifier(role),
    evidence: Object.fromEntries(powers.map(({ kind, objects }) => [kind.replaceAll(' ', '_'), listed(objects)])),
    next_step: `${makeReader(database)}\n${configureReader(server, persona)}`,
  };
}
