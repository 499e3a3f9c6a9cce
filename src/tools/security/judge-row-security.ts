import {
  comment,
  gather,
  quoteIdentifier,
  quoteLiteral,
  quoteName,
  type ConnectionFacts,
  type Finding,
  type NotExamined,
} from '../kit/index.ts';
import { judgeRowSecurity } from '../tables/attachments.ts';
import type { Bypass, GuardedTable } from './guarded-tables.ts';
import type { Power } from './role-power.ts';

const DOCS = 'https://www.postgresql.org/docs/current';

interface RowSecurity {
  readonly tables: readonly GuardedTable[];
  readonly bypasses: readonly Bypass[];
  readonly powers: readonly Power[];
}

export function judgeGuarded(
  { tables, bypasses, powers }: RowSecurity,
  { major }: Pick<ConnectionFacts, 'major'>,
): Finding[] {
  return [
    ...gather(
      tables.flatMap((each) => judgeRowSecurity(each, each.policies, quoteName(each.schema, each.table))),
      (count) => `${count} tables have policies, but their row security is off.`,
    ),
    ...judgeBypasses(bypasses, major),
    ...judgeOwners(tables),
    ...judgeRoles(tables, powers),
  ];
}

const HOW: Readonly<Record<Bypass['because'], string>> = {
  superuser: 'reads as a superuser from',
  bypassrls: 'reads as a role that bypasses policies from',
  owner: 'reads as the owner from',
  'stored rows': 'holds rows of',
};

/** One that nobody else may use lets nobody past the policies. */
function judgeBypasses(rows: readonly Bypass[], major: number): Finding[] {
  return gather(
    rows
      .filter(({ open_to }) => open_to.length > 0)
      .map((row) => {
        const object = quoteName(row.schema, row.table);
        return {
          severity: 'warning' as const,
          claim: `${KINDS[row.kind]} ${object} ${HOW[row.because]} ${row.reads.slice(0, 3).join(', ')}, past the policies, for ${row.open_to.slice(0, 3).join(', ')}.`,
          object,
          evidence: {
            owner: row.owner,
            because: row.because,
            reads: row.reads.join(', '),
            open_to: row.open_to.join(', '),
          },
          why:
            row.kind === 'function'
              ? `${DOCS}/sql-createfunction.html#SQL-CREATEFUNCTION-SECURITY`
              : `${DOCS}/rules-privileges.html`,
          next_step: stepFor(row, object, major),
        };
      }),
    (count) => `${count} views or functions read tables past their policies.`,
  );
}

const KINDS: Readonly<Record<Bypass['kind'], string>> = {
  view: 'The view',
  materialized_view: 'The materialized view',
  function: 'The function',
};

function stepFor({ kind }: Bypass, object: string, major: number): string {
  if (kind === 'function') {
    return comment(`see what ${object} returns to whom; SECURITY INVOKER would have it read as its caller`);
  }
  const look = `SELECT relowner::regrole, relacl FROM pg_class WHERE oid = ${quoteLiteral(object)}::regclass;`;
  if (kind === 'materialized_view')
    return `${look}\n${comment(`only those who may see every row should be granted ${object}`)}`;
  return major >= 15
    ? `${look}\n-- its readers then need rights on the tables, too\nALTER VIEW ${object} SET (security_invoker = true);`
    : `${look}\n-- before PostgreSQL 15 a view reads as its owner: give it to a role that the policies hold`;
}

/** An application that logs in as the owner of its tables is held by no policy. */
function judgeOwners(tables: readonly GuardedTable[]): Finding[] {
  const free = tables.filter(
    (each) => each.row_security === 'on' && each.owner_login && !each.owner_superuser && each.owner_sessions > 0,
  );
  const owners = [...new Set(free.map(({ owner }) => owner))];
  return gather(
    owners.map((owner): Finding => {
      const own = free.filter((each) => each.owner === owner);
      const [first] = own;
      const object = first ? quoteName(first.schema, first.table) : '';
      return {
        severity: 'notice',
        claim: `${quoteIdentifier(owner)} is logged in and owns ${own.length === 1 ? object : `${own.length} tables with row security, such as ${object}`}: no policy holds it.`,
        object: quoteIdentifier(owner),
        evidence: { tables: own.length, owner_sessions: first?.owner_sessions ?? 0 },
        why: `${DOCS}/ddl-rowsecurity.html`,
        next_step: [
          comment(
            'if an application logs in so: give it a role of its own, granted what it needs and no membership in the owner',
          ),
          comment(
            `or hold the owner, too, once the policies admit its rows; all others vanish for it at once, from its dumps as well: ALTER TABLE ${object} FORCE ROW LEVEL SECURITY;`,
          ),
        ].join('\n'),
      };
    }),
    (count) => `${count} owners of tables with row security are logged in, and no policy holds them.`,
  );
}

/** Where nothing is guarded there is nothing to bypass. */
function judgeRoles(tables: readonly GuardedTable[], powers: readonly Power[]): Finding[] {
  const roles = powers.filter(({ power, login }) => power === 'BYPASSRLS' && login);
  const [first] = roles;
  if (!first || tables.every(({ row_security }) => row_security === 'off')) return [];
  const name = quoteIdentifier(first.role);
  const count = roles.length;
  const takeBack = first.own
    ? `ALTER ROLE ${name} NOBYPASSRLS;`
    : `REVOKE ${first.through.map(quoteIdentifier).join(', ')} FROM ${name};`;
  return [
    {
      severity: 'notice',
      claim:
        count === 1
          ? `${name} ${first.own ? 'bypasses' : 'can bypass'} row security.`
          : `${count} roles that are no superusers can bypass row security.`,
      ...(count === 1 && { object: name }),
      evidence: {
        count,
        roles: roles
          .slice(0, 10)
          .map(({ role }) => quoteIdentifier(role))
          .join(', '),
      },
      why: `${DOCS}/ddl-rowsecurity.html`,
      next_step: [
        'SELECT rolname, rolcanlogin FROM pg_roles WHERE rolbypassrls AND NOT rolsuper;',
        comment(`who neither dumps nor restores: ${takeBack}`),
      ].join('\n'),
    },
  ];
}

/** What a function reads is known of those only whose bodies PostgreSQL has parsed. */
export function unparsedDefiners(count: number): NotExamined[] {
  if (count === 0) return [];
  return [
    {
      what: `what ${count} SECURITY DEFINER functions read`,
      reason: 'They belong to roles that bypass row security, and PostgreSQL does not know what is in their bodies.',
      remedy: 'security_definer_functions lists them.',
    },
  ];
}
