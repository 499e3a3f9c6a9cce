import { z } from 'zod';
import type { ReachedDatabase } from '../../calls/context.ts';
import {
  byServerVersion,
  comment,
  definePart,
  gather,
  param,
  quoteIdentifier,
  readParts,
  sql,
  type ConnectionFacts,
  type Finding,
  type NotExamined,
  type RowOf,
} from '../kit/index.ts';
import type { Expiring } from './role-row.ts';

const DOCS = 'https://www.postgresql.org/docs/current';

/** Superusers may; asking first leaves no error in the log of the server. */
export const mayReadPasswords = definePart({
  what: 'whether stored passwords may be looked at',
  row: { granted: z.boolean() },
  sql: byServerVersion({
    12: sql`select pg_catalog.has_table_privilege('pg_catalog.pg_authid', 'SELECT') as granted`,
  }),
});

/** How passwords are stored, and never what is stored: of the roles that log in, and of `oids`. */
export const storedPasswords = definePart({
  what: 'how passwords are stored',
  row: {
    oid: z.int(),
    role: z.string(),
    password: z.enum(['md5', 'scram-sha-256', 'none', 'other']),
    is_name: z.boolean().describe('An MD5 hash of the name of the role itself.'),
    login: z.boolean(),
    of_kind: z.int().describe('Roles that log in with one of its kind.'),
  },
  sql: byServerVersion({
    12: sql`
      select q.oid, q.role, q.password, q.is_name, q.login, q.of_kind
        from (
          select k.*, pg_catalog.count(*) filter (where k.login) over (partition by k.password) as of_kind,
                 pg_catalog.row_number() over (partition by k.password order by k.shown desc, k.is_name desc, k.role) as place
            from (
              select a.oid, a.rolname as role, a.rolcanlogin as login, a.oid = any (${param('oids')}::oid[]) as shown,
                     case when a.rolpassword is null then 'none' when a.rolpassword ~ '^md5[0-9a-f]{32}$' then 'md5'
                          when a.rolpassword like 'SCRAM-SHA-256$%' then 'scram-sha-256' else 'other' end as password,
                     coalesce(a.rolpassword = 'md5' || pg_catalog.md5(a.rolname::text || a.rolname::text), false) as is_name
                from pg_catalog.pg_authid a
               where a.rolcanlogin or a.oid = any (${param('oids')}::oid[])
            ) k
        ) q
       where q.place <= 1000
       order by q.password, q.is_name desc, q.role`,
  }),
});
export type StoredPassword = RowOf<typeof storedPasswords>;

export const PASSWORDS_UNREAD: NotExamined = {
  what: 'how passwords are stored, and which roles have none',
  reason: 'Only a superuser may read pg_authid, which has the hashes themselves.',
};

interface Passwords {
  /** Null where the login may not look. */
  readonly stored: readonly StoredPassword[] | null;
  readonly unreadable: readonly NotExamined[];
}

/** Not tried without the right. */
export async function readPasswords(
  target: ReachedDatabase,
  rights: readonly RowOf<typeof mayReadPasswords>[],
  oids: readonly number[] = [],
): Promise<Passwords> {
  if (rights[0]?.granted !== true) return { stored: null, unreadable: [PASSWORDS_UNREAD] };
  const { parts, unreadable } = await readParts(target, { storedPasswords }, { oids });
  return { stored: unreadable.length === 0 ? parts.storedPasswords : null, unreadable };
}

/** MD5 is no longer the default from PostgreSQL 14 on: https://www.postgresql.org/docs/current/auth-password.html */
const SCRAM_BY_DEFAULT = 14;

export function judgePasswords(
  stored: readonly StoredPassword[],
  { major }: Pick<ConnectionFacts, 'major'>,
): Finding[] {
  const md5 = stored.filter(({ password, login }) => login && password === 'md5');
  return [
    ...gather(
      md5
        .filter(({ is_name }) => is_name)
        .map(({ role }) => ({
          severity: 'critical' as const,
          claim: `The password of ${quoteIdentifier(role)} is its own name.`,
          object: quoteIdentifier(role),
          evidence: { password: 'md5', is_name: true },
          why: `${DOCS}/role-attributes.html`,
          next_step: changePassword(role),
        })),
      (count) => `The passwords of ${count} roles are their own names.`,
    ),
    ...gather(
      md5
        .filter(({ is_name }) => !is_name)
        .map(({ role }) => ({
          severity: major >= SCRAM_BY_DEFAULT ? ('warning' as const) : ('notice' as const),
          claim: `The password of ${quoteIdentifier(role)} is stored as an MD5 hash, which is as good as the password itself to whoever copies it.`,
          object: quoteIdentifier(role),
          evidence: { password: 'md5' },
          why: `${DOCS}/auth-password.html`,
          next_step: changePassword(role),
        })),
      () =>
        `The passwords of ${md5[0]?.of_kind} roles are stored as MD5 hashes, which are as good as the passwords themselves to whoever copies them.`,
    ),
  ];
}

/** psql hashes on the client, so that the password is in no log. */
function changePassword(role: string): string {
  return [
    'SHOW password_encryption; -- scram-sha-256 before the password is set anew',
    comment(`then, in psql, so that it is in no log: \\password ${quoteIdentifier(role)}`),
  ].join('\n');
}

export function judgeExpiry(rows: readonly Expiring[]): Finding[] {
  return gather(
    rows.map(({ role, valid_until, expired, days, sessions }) => ({
      severity: expired ? ('warning' as const) : ('notice' as const),
      claim: expired
        ? `The password of ${quoteIdentifier(role)} has expired, and ${sessions} of its sessions are open: none of them gets in again by password.`
        : `The password of ${quoteIdentifier(role)} expires in ${days} days, and it has ${sessions} sessions.`,
      object: quoteIdentifier(role),
      evidence: { valid_until, days, sessions },
      why: `${DOCS}/sql-createrole.html`,
      next_step: [
        `SELECT rolname, rolvaliduntil FROM pg_roles WHERE rolcanlogin AND rolvaliduntil < now() + interval '30 days';`,
        comment(`with a new password: ALTER ROLE ${quoteIdentifier(role)} VALID UNTIL 'infinity'; or a later day`),
      ].join('\n'),
    })),
    (count) => `The passwords of ${count} roles that are in use have expired, or will soon.`,
  );
}
