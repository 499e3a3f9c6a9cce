import { comment, gather, quoteIdentifier, quoteLiteral, type ConnectionFacts, type Finding } from '../kit/index.ts';
import { countOf, type Power } from './role-power.ts';

const DOCS = 'https://www.postgresql.org/docs/current';

type Facts = Pick<ConnectionFacts, 'major' | 'service'>;

/** On a managed service the operator's own roles have what nobody else can have, so that attributes say little there. */
export function judgePowers(powers: readonly Power[], { major, service }: Facts): Finding[] {
  const of = (power: string) => powers.filter((each) => each.power === power);
  const operated = service !== null;
  return [
    ...(operated ? [] : judgeSuperusers(of('SUPERUSER'))),
    ...SERVER_ACCESS.flatMap((role) => judgeServerAccess(of(role), role)),
    ...(operated || major >= 16 ? [] : judgeCreateRole(of('CREATEROLE'))),
    ...judgeWriters(of('pg_write_all_data')),
  ];
}

function names(rows: readonly Power[]): string {
  return rows
    .slice(0, 10)
    .map(({ role }) => quoteIdentifier(role))
    .join(', ');
}

function judgeSuperusers(rows: readonly Power[]): Finding[] {
  const first = rows.filter(({ bootstrap }) => bootstrap).length;
  const more = rows.filter(({ own, bootstrap }) => own && !bootstrap);
  const members = rows.filter(({ own }) => !own);
  return [
    ...(more.length === 0 ? [] : [describeSuperusers(more, countOf(more) - first)]),
    ...gather(
      members.map((row): Finding => ({
        severity: 'notice',
        claim: `${quoteIdentifier(row.role)} can make itself a superuser: it is a member of ${row.through.map(quoteIdentifier).join(', ')}.`,
        object: quoteIdentifier(row.role),
        evidence: { power: row.power, through: row.through.join(', ') },
        why: `${DOCS}/role-membership.html`,
        next_step: takeBack(row),
      })),
      () => `${countOf(members)} roles can make themselves superusers through a membership.`,
    ),
  ];
}

function describeSuperusers(rows: readonly Power[], count: number): Finding {
  const one = count === 1;
  return {
    severity: 'notice',
    claim: one
      ? `${quoteIdentifier(rows[0]?.role ?? '')} is a superuser, beside the first role of the cluster.`
      : `${count} roles are superusers, beside the first role of the cluster.`,
    ...(one && { object: quoteIdentifier(rows[0]?.role ?? '') }),
    evidence: { count, roles: names(rows) },
    why: `${DOCS}/role-attributes.html`,
    next_step: [
      'SELECT rolname, rolcanlogin, rolvaliduntil FROM pg_roles WHERE rolsuper;',
      comment(`who does without it: ALTER ROLE ${quoteIdentifier(rows[0]?.role ?? '')} NOSUPERUSER;`),
    ].join('\n'),
  };
}

/** Each of them is worth as much as a superuser: https://www.postgresql.org/docs/current/predefined-roles.html */
const SERVER_ACCESS = ['pg_execute_server_program', 'pg_write_server_files', 'pg_read_server_files'] as const;
const CAN: Readonly<Record<(typeof SERVER_ACCESS)[number], string>> = {
  pg_execute_server_program: 'can run programs on the machine of the server',
  pg_write_server_files: 'can write files on the machine of the server',
  pg_read_server_files: 'can read every file that the server can read, password hashes and keys too',
};

function judgeServerAccess(rows: readonly Power[], power: (typeof SERVER_ACCESS)[number]): Finding[] {
  return gather(
    rows.map((row) => ({
      severity: 'warning' as const,
      claim: `${quoteIdentifier(row.role)} ${CAN[power]}, and is no superuser.`,
      object: quoteIdentifier(row.role),
      evidence: { power, through: row.through.join(', '), inherited: row.inherited },
      why: `${DOCS}/predefined-roles.html`,
      next_step: takeBack(row),
    })),
    () => `${countOf(rows)} roles that are no superusers can act on the machine by ${power}.`,
  );
}

function judgeCreateRole(rows: readonly Power[]): Finding[] {
  return gather(
    rows.map((row) => ({
      severity: 'warning' as const,
      claim: `${quoteIdentifier(row.role)} ${row.own ? 'has CREATEROLE' : 'can take CREATEROLE by SET ROLE'}: before PostgreSQL 16 that is enough to run programs on the machine.`,
      object: quoteIdentifier(row.role),
      evidence: { power: row.power, through: row.through.join(', ') },
      why: `${DOCS}/role-attributes.html`,
      next_step: row.own
        ? `SELECT rolname, rolcanlogin FROM pg_roles WHERE rolcreaterole;\n${comment(`if it need not make roles: ALTER ROLE ${quoteIdentifier(row.role)} NOCREATEROLE;`)}`
        : takeBack(row),
    })),
    () =>
      `${countOf(rows)} roles have CREATEROLE, which before PostgreSQL 16 is enough to run programs on the machine.`,
  );
}

function judgeWriters(rows: readonly Power[]): Finding[] {
  return gather(
    rows.map((row) => ({
      severity: 'notice' as const,
      claim: `${quoteIdentifier(row.role)} may change every row of every table, as a member of pg_write_all_data.`,
      object: quoteIdentifier(row.role),
      evidence: { power: row.power, through: row.through.join(', '), inherited: row.inherited },
      why: `${DOCS}/predefined-roles.html`,
      next_step: takeBack(row),
    })),
    () => `${countOf(rows)} roles may change every row of every table, as members of pg_write_all_data.`,
  );
}

function takeBack({ role, through }: Power): string {
  const name = quoteIdentifier(role);
  return [
    `SELECT roleid::regrole, grantor::regrole, admin_option FROM pg_auth_members WHERE member = ${quoteLiteral(name)}::regrole;`,
    ...through.map((each) => comment(`if it need not: REVOKE ${quoteIdentifier(each)} FROM ${name};`)),
  ].join('\n');
}
