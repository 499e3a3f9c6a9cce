import {
  comment,
  gather,
  quoteIdentifier,
  quoteLiteral,
  quoteName,
  type ConnectionFacts,
  type Finding,
} from '../kit/index.ts';
import type {
  EventTrigger,
  ParameterGrant,
  PublicServer,
  SecretOptions,
  SubscriptionOwner,
  UntrustedLanguage,
} from './exposed-objects.ts';

const DOCS = 'https://www.postgresql.org/docs/current';

/** Null is what could not be read. */
interface Exposed {
  readonly options: readonly SecretOptions[] | null;
  readonly servers: readonly PublicServer[] | null;
  readonly languages: readonly UntrustedLanguage[] | null;
  readonly triggers: readonly EventTrigger[] | null;
  readonly parameters: readonly ParameterGrant[] | null;
  readonly subscriptions: readonly SubscriptionOwner[] | null;
}

export function judgeExposed(
  exposed: Exposed,
  { major, service }: Pick<ConnectionFacts, 'major' | 'service'>,
): Finding[] {
  return [
    ...judgeOptions(exposed.options ?? []),
    ...judgeServers(exposed.servers ?? []),
    ...judgeLanguages(exposed.languages ?? []),
    // where the operator alone is a superuser, customers own the functions
    ...(service === null ? judgeTriggers(exposed.triggers ?? []) : []),
    ...judgeParameters(exposed.parameters ?? []),
    ...judgeSubscriptions(exposed.subscriptions ?? [], major),
  ];
}

function judgeOptions(rows: readonly SecretOptions[]): Finding[] {
  return gather(
    rows.map(({ kind, schema, name, options }) => {
      const object = schema === null ? quoteIdentifier(name) : quoteName(schema, name);
      return {
        severity: 'warning' as const,
        claim: `The options of the ${kind} ${object} hold what looks like a secret, and every role may read them.`,
        object,
        evidence: { options: options.join(', ') },
        why: `${DOCS}/sql-createusermapping.html`,
        next_step: comment(
          `${options.join(', ')} belongs into the options of a user mapping, which only its user and superusers see; then change the secret`,
        ),
      };
    }),
    () =>
      `The options of ${rows[0]?.total_rows} foreign servers or tables hold what looks like secrets, and every role may read them.`,
  );
}

function judgeServers(rows: readonly PublicServer[]): Finding[] {
  return gather(
    rows
      .filter(({ mapping }) => mapping)
      .map(({ server, owner, usage }) => {
        const object = quoteIdentifier(server);
        return {
          severity: 'warning' as const,
          claim: `Everybody connects to the foreign server ${object} with the credentials of one user mapping.`,
          object,
          evidence: { mapping: 'PUBLIC', usage_by_public: usage, owner },
          why: `${DOCS}/sql-createusermapping.html`,
          next_step: [
            `SELECT usename FROM pg_user_mappings WHERE srvname = ${quoteLiteral(server)};`,
            comment(
              `when each role that needs it has a mapping of its own: DROP USER MAPPING FOR PUBLIC SERVER ${object};`,
            ),
          ].join('\n'),
        };
      }),
    (count) => `Everybody connects to ${count} foreign servers with the credentials of a user mapping for PUBLIC.`,
  );
}

function judgeLanguages(rows: readonly UntrustedLanguage[]): Finding[] {
  return gather(
    rows.map(({ language, functions, public_functions }) => ({
      severity: public_functions > 0 ? ('warning' as const) : ('notice' as const),
      claim:
        public_functions > 0
          ? `Everybody may run ${public_functions === 1 ? 'a function' : `${public_functions} functions`} in the untrusted language ${quoteIdentifier(language)}, which reaches the machine.`
          : `The untrusted language ${quoteIdentifier(language)} is installed, whose functions reach the machine.`,
      object: quoteIdentifier(language),
      evidence: { functions, public_functions },
      why: `${DOCS}/sql-createlanguage.html`,
      next_step: `SELECT p.oid::regprocedure, p.proowner::regrole, p.proacl FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang WHERE l.lanname = ${quoteLiteral(language)};`,
    })),
    (count) => `${count} untrusted languages are installed, whose functions reach the machine.`,
  );
}

function judgeTriggers(rows: readonly EventTrigger[]): Finding[] {
  return gather(
    rows
      .filter(({ enabled, owner_superuser }) => enabled && !owner_superuser)
      .map((row) => {
        const object = quoteIdentifier(row.trigger);
        const name = quoteName(row.schema, row.function);
        return {
          severity: 'warning' as const,
          claim: `The event trigger ${object} runs ${name} with the rights of whoever comes by, superusers too, and ${quoteIdentifier(row.function_owner)} can change what it does.`,
          object,
          evidence: { event: row.event, function: name, function_owner: row.function_owner },
          why: `${DOCS}/event-triggers.html`,
          next_step: [
            `SELECT prosrc FROM pg_proc WHERE oid = ${quoteLiteral(`${name}()`)}::regprocedure;`,
            comment(
              `when it does what it should: ALTER FUNCTION ${name}() OWNER TO a superuser, in a schema of its own`,
            ),
          ].join('\n'),
        };
      }),
    (count) => `${count} event triggers run functions that others than superusers can change.`,
  );
}

function judgeParameters(rows: readonly ParameterGrant[]): Finding[] {
  return gather(
    rows
      .filter(({ everybody, dangerous }) => everybody || dangerous)
      .map(({ parameter, grantee, everybody, privileges, dangerous }) => {
        const to = everybody ? 'PUBLIC' : quoteIdentifier(grantee);
        return {
          severity: dangerous ? ('warning' as const) : ('notice' as const),
          claim: `${everybody ? 'Everybody' : to} has ${privileges.join(', ')} on ${parameter}${dangerous ? ', which can make a superuser' : ''}.`,
          object: quoteIdentifier(parameter),
          evidence: { grantee, privileges: privileges.join(', '), dangerous },
          why: `${DOCS}/catalog-pg-parameter-acl.html`,
          next_step: `SELECT parname, paracl FROM pg_parameter_acl;\n${comment(`if nothing needs it: REVOKE ${privileges.join(', ')} ON PARAMETER ${parameter} FROM ${to};`)}`,
        };
      }),
    (count) => `${count} settings that are for superusers can be changed by others.`,
  );
}

/** Before PostgreSQL 16 only superusers could have subscriptions. */
function judgeSubscriptions(rows: readonly SubscriptionOwner[], major: number): Finding[] {
  if (major < 16) return [];
  return gather(
    rows
      .filter(({ owner_superuser, run_as_owner, enabled }) => owner_superuser && run_as_owner && enabled)
      .map(({ subscription, owner }) => {
        const object = quoteIdentifier(subscription);
        return {
          severity: 'notice' as const,
          claim: `The subscription ${object} applies changes as a superuser: triggers of its tables run with those rights.`,
          object,
          evidence: { owner, run_as_owner: true },
          why: `${DOCS}/logical-replication-security.html`,
          next_step: comment(
            `when the owners of its tables may do what it does: ALTER SUBSCRIPTION ${object} SET (run_as_owner = false);`,
          ),
        };
      }),
    (count) => `${count} subscriptions apply changes as a superuser.`,
  );
}
