import { gather, type Finding } from '../kit/index.ts';
import type { IdentMap } from './hba-rule.ts';
import { showAddress } from './hba-rule.ts';
import { isRemote, type Concern, type JudgedRule } from './hba-verdict.ts';

const DOCS = 'https://www.postgresql.org/docs/current';
const HBA = `${DOCS}/auth-pg-hba-conf.html`;

/** Lines of pg_hba.conf have no SQL that would change them. */
const LOOK =
  'SELECT line_number, type, database, user_name, address, netmask, auth_method FROM pg_hba_file_rules ORDER BY line_number;';
const EDIT = '-- then edit the file, and SELECT pg_reload_conf(); open sessions stay';

export function judgeHba(rules: readonly JudgedRule[]): Finding[] {
  const of = (concern: Concern) => rules.filter((rule) => rule.concern === concern);
  return [
    ...judgeErrors(of('error')),
    ...judgeTrust(of('no_password')),
    ...Object.entries(PER_RULE).flatMap(([concern, { many, ...told }]) =>
      gather(
        of(concern as Concern).map((rule) => describe(rule, told)),
        many,
        `${LOOK}\n${EDIT}`,
      ),
    ),
    ...judgeUnreached(of('never_reached')),
  ];
}

function judgeErrors(rules: readonly JudgedRule[]): Finding[] {
  const [first] = rules;
  if (!first) return [];
  return [
    {
      severity: 'critical',
      claim: 'pg_hba.conf holds errors: a reload keeps the old rules, and the server does not start again.',
      evidence: { count: rules.length, line: first.line, error: first.error ?? 'PostgreSQL does not say' },
      why: `${DOCS}/view-pg-hba-file-rules.html`,
      next_step: 'SELECT line_number, error FROM pg_hba_file_rules WHERE type IS NULL;',
    },
  ];
}

function judgeTrust(rules: readonly JudgedRule[]): Finding[] {
  const remote = rules.filter(({ reach }) => isRemote(reach));
  const own = rules.filter(({ reach }) => !isRemote(reach));
  return [
    ...gather(
      remote.map((rule) => ({
        ...describe(rule, {
          severity: rule.reach === 'host' ? 'warning' : 'critical',
          says: 'lets in without a password',
          why: `${DOCS}/auth-trust.html`,
        }),
      })),
      (count) => `${count} rules of pg_hba.conf let in from other machines without a password.`,
      `${LOOK}\n${EDIT}`,
    ),
    ...(own[0] === undefined
      ? []
      : [
          {
            severity: 'warning' as const,
            claim: `Whoever has an account on the machine gets in without a password, by ${own.length === 1 ? `line ${own[0].line}` : `${own.length} rules`} of pg_hba.conf.`,
            evidence: { rules: own.length, first: textOf(own[0]) },
            why: `${DOCS}/auth-trust.html`,
            next_step: `${LOOK}\n-- peer asks the operating system who it is, scram-sha-256 for a password\n${EDIT}`,
          },
        ]),
  ];
}

interface Told {
  readonly severity: Finding['severity'];
  /** What a rule does, behind its name. */
  readonly says: string;
  readonly why: string;
}

/** What each does, behind its name. */
const PER_RULE: Partial<Record<Concern, Told & { readonly many: (count: number) => string }>> = {
  identd: {
    severity: 'warning',
    says: 'believes what the other machine says of who connects',
    why: `${DOCS}/auth-ident.html`,
    many: (count) => `${count} rules of pg_hba.conf believe what other machines say of who connects.`,
  },
  clear_password: {
    severity: 'warning',
    says: 'has passwords sent in clear text over the network',
    why: `${DOCS}/auth-password.html`,
    many: (count) => `${count} rules of pg_hba.conf have passwords sent in clear text over the network.`,
  },
  unencrypted: {
    severity: 'notice',
    says: 'is for connections without encryption only',
    why: HBA,
    many: (count) => `${count} rules of pg_hba.conf are for connections without encryption only.`,
  },
  from_anywhere: {
    severity: 'notice',
    says: 'lets every role try every database from every address, without encryption too',
    why: HBA,
    many: (count) => `${count} rules of pg_hba.conf let every role try every database from every address.`,
  },
  cannot_match: {
    severity: 'notice',
    says: 'can match no connection',
    why: `${DOCS}/view-pg-hba-file-rules.html`,
    many: (count) => `${count} rules of pg_hba.conf can match no connection.`,
  },
  clear_to_ldap: {
    severity: 'notice',
    says: 'sends passwords to the LDAP server without encryption',
    why: `${DOCS}/auth-ldap.html`,
    many: (count) => `${count} rules of pg_hba.conf send passwords to an LDAP server without encryption.`,
  },
  md5: {
    severity: 'notice',
    says: 'takes MD5 as well as SCRAM, as the password is stored',
    why: `${DOCS}/auth-password.html`,
    many: (count) => `${count} rules of pg_hba.conf take MD5 as well as SCRAM, as the password is stored.`,
  },
};

function describe(rule: JudgedRule, { severity, says, why }: Told): Finding {
  return {
    severity,
    claim: `Line ${rule.line} of pg_hba.conf ${says}.`,
    object: `line ${rule.line}`,
    evidence: { rule: textOf(rule), reach: rule.reach, ...(rule.error !== null && { error: rule.error }) },
    why,
    next_step: `${LOOK}\n${EDIT}`,
  };
}

/** A rule that nobody comes to does no harm unless it was to keep somebody out. */
function judgeUnreached(rules: readonly JudgedRule[]): Finding[] {
  return gather(
    rules.map((rule): Finding => {
      const rejects = rule.method === 'reject';
      return {
        severity: rejects ? 'warning' : 'notice',
        claim: `Line ${rule.line} of pg_hba.conf ${rejects ? 'rejects nobody' : 'decides on nothing'}: line ${rule.covered_by} decides before.`,
        object: `line ${rule.line}`,
        evidence: { rule: textOf(rule), covered_by: rule.covered_by },
        why: HBA,
        next_step: `${LOOK}\n${EDIT}`,
      };
    }),
    (count) => `${count} rules of pg_hba.conf are never reached, since others decide before.`,
    `${LOOK}\n${EDIT}`,
  );
}

/** As the file has it, without its options. */
function textOf(rule: JudgedRule): string {
  const address = showAddress(rule);
  return [
    rule.type,
    rule.database?.join(','),
    rule.user?.join(','),
    ...(address === null ? [] : [address]),
    rule.method,
  ].join(' ');
}

export function judgeIdent(maps: readonly IdentMap[]): Finding[] {
  const wrong = maps.filter(({ error }) => error !== null);
  const [first] = wrong;
  if (!first) return [];
  return [
    {
      severity: 'warning',
      claim: 'pg_ident.conf holds errors: a reload keeps the old maps, and a start has none.',
      evidence: { count: wrong.length, line: first.line, error: first.error },
      why: `${DOCS}/view-pg-ident-file-mappings.html`,
      next_step: 'SELECT line_number, error FROM pg_ident_file_mappings WHERE error IS NOT NULL;',
    },
  ];
}
