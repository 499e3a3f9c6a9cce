import {
  comment,
  gather,
  quoteIdentifier,
  quoteLiteral,
  quoteName,
  type ConnectionFacts,
  type Finding,
} from '../kit/index.ts';
import type { OpenSchema } from './definer-function.ts';
import type { PublicDefault, PublicRights, PublicTable, SystemGrant } from './public-grants.ts';

const DOCS = 'https://www.postgresql.org/docs/current';

/** Null is what could not be read. */
interface Grants {
  readonly schemas: readonly OpenSchema[] | null;
  readonly tables: readonly PublicTable[] | null;
  readonly rights: PublicRights | undefined;
  readonly defaults: readonly PublicDefault[] | null;
  readonly system: readonly SystemGrant[] | null;
}

export function judgeGrants(grants: Grants, facts: Pick<ConnectionFacts, 'major' | 'database'>): Finding[] {
  return [
    ...judgeSchemas(grants.schemas ?? [], facts.major),
    ...judgeDatabase(grants.rights, facts.database),
    ...judgeTables(grants.tables ?? []),
    ...judgeDefaults(grants.defaults ?? []),
    ...judgeSystem(grants.system ?? []),
  ];
}

/** Before PostgreSQL 15 everybody may create in the schema public of a new database. */
const CLOSED_BY_DEFAULT = 15;

function judgeSchemas(rows: readonly OpenSchema[], major: number): Finding[] {
  return gather(
    rows.map(({ schema, owner }) => {
      const object = quoteIdentifier(schema);
      const byDefault = schema === 'public' && major < CLOSED_BY_DEFAULT;
      return {
        severity: byDefault ? ('notice' as const) : ('warning' as const),
        claim: `Everybody may create objects in the schema ${object}${byDefault ? ', as is the default before PostgreSQL 15' : ''}, where others may run them by mistake.`,
        object,
        evidence: { owner, privilege: 'CREATE', grantee: 'PUBLIC' },
        why: `${DOCS}/ddl-schemas.html#DDL-SCHEMAS-PATTERNS`,
        next_step: [
          `SELECT relowner::regrole, count(*) FROM pg_class WHERE relnamespace = ${quoteLiteral(object)}::regnamespace GROUP BY 1;`,
          '-- who makes objects there on purpose needs a grant of its own first',
          `REVOKE CREATE ON SCHEMA ${object} FROM PUBLIC;`,
        ].join('\n'),
      };
    }),
    () => `Everybody may create objects in ${rows[0]?.total_rows} schemas, where others may run them by mistake.`,
  );
}

function judgeDatabase(rights: PublicRights | undefined, database: string): Finding[] {
  if (rights?.create !== true) return [];
  const object = quoteIdentifier(database);
  return [
    {
      severity: 'warning',
      claim: `Everybody may create schemas in the database ${object}.`,
      object,
      evidence: { privilege: 'CREATE', grantee: 'PUBLIC' },
      why: `${DOCS}/ddl-priv.html`,
      next_step: `SELECT nspname, nspowner::regrole FROM pg_namespace;\n-- who makes schemas on purpose needs a grant of its own first\nREVOKE CREATE ON DATABASE ${object} FROM PUBLIC;`,
    },
  ];
}

function judgeTables(rows: readonly PublicTable[]): Finding[] {
  return gather(
    rows.map(({ schema, table, privileges }) => {
      const object = quoteName(schema, table);
      const kinds = [...new Set(privileges.map((each) => each.split(' ', 1)[0] ?? ''))];
      const columns = privileges.some((each) => each.includes(' of '));
      return {
        severity: 'warning' as const,
        claim: `Everybody who can log in has ${privileges.join(', ')} on ${object}.`,
        object,
        evidence: { privileges: privileges.join(', '), grantee: 'PUBLIC' },
        why: `${DOCS}/ddl-priv.html`,
        next_step: [
          `SELECT ${columns ? 'attname, attacl FROM pg_attribute WHERE attacl IS NOT NULL AND attrelid' : 'relacl FROM pg_class WHERE oid'} = ${quoteLiteral(object)}::regclass;`,
          '-- who needs it gets a grant of its own first',
          `REVOKE ${kinds.join(', ')} ON ${object} FROM PUBLIC;`,
        ].join('\n'),
      };
    }),
    () => `Everybody who can log in may change ${rows[0]?.total_rows} tables.`,
  );
}

const HARMFUL: ReadonlySet<string> = new Set(['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER', 'CREATE']);

function judgeDefaults(rows: readonly PublicDefault[]): Finding[] {
  return gather(
    rows.map(({ role, schema, objects, privileges }) => {
      const place = schema === null ? '' : ` IN SCHEMA ${quoteIdentifier(schema)}`;
      const name = quoteIdentifier(role);
      return {
        severity: privileges.some((each) => HARMFUL.has(each)) ? ('warning' as const) : ('notice' as const),
        claim: `Everybody gets ${privileges.join(', ')} on the ${objects.toLowerCase()} that ${name} makes${schema === null ? '' : ` in ${quoteIdentifier(schema)}`}.`,
        object: name,
        evidence: { objects, privileges: privileges.join(', '), schema },
        why: `${DOCS}/sql-alterdefaultprivileges.html`,
        next_step: `ALTER DEFAULT PRIVILEGES FOR ROLE ${name}${place} REVOKE ${privileges.join(', ')} ON ${objects} FROM PUBLIC; -- objects that are there keep what they have`,
      };
    }),
    () => `${rows[0]?.total_rows} default privileges give new objects to everybody.`,
  );
}

/** Poolers are given hashes so that they can check passwords; a function that returns one of them would do. */
function judgeSystem(rows: readonly SystemGrant[]): Finding[] {
  return gather(
    rows.map(({ kind, object, grantee, everybody }) => {
      const who = everybody ? 'Everybody' : quoteIdentifier(grantee);
      const to = everybody ? 'PUBLIC' : quoteIdentifier(grantee);
      const [name = '', column] = kind === 'catalog' ? object.split('.') : [object];
      return {
        severity: everybody ? (kind === 'catalog' ? ('critical' as const) : ('warning' as const)) : ('notice' as const),
        claim:
          kind === 'catalog'
            ? `${who} may read ${object}, which holds password hashes or other secrets.`
            : `${who} may run ${object}, which PostgreSQL keeps for superusers.`,
        object: `pg_catalog.${object}`,
        evidence: { grantee, kind },
        why: `${DOCS}/ddl-priv.html`,
        next_step:
          kind === 'catalog'
            ? `SELECT relacl FROM pg_class WHERE oid = 'pg_catalog.${name}'::regclass;\n${comment(`if nothing needs it: REVOKE SELECT${column === undefined ? '' : ` (${column})`} ON pg_catalog.${name} FROM ${to};`)}`
            : `SELECT proacl FROM pg_proc WHERE oid = 'pg_catalog.${object}'::regprocedure;\n${comment(`if nothing needs it: REVOKE EXECUTE ON FUNCTION pg_catalog.${object} FROM ${to};`)}`,
      };
    }),
    () => `${rows[0]?.total_rows} rights on catalogs with secrets or functions for superusers were given away.`,
  );
}
