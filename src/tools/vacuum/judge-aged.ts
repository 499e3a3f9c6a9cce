import { comment, gather, quoteIdentifier, quoteName, type ConnectionFacts, type Finding } from '../kit/index.ts';
import type { AgedTable } from './aged.ts';

/** Autovacuum comes at 100 % of the limit, and not to these. */
const BEHIND_PERCENT = 100;

type Temporary = Pick<
  AgedTable,
  'schema' | 'table' | 'part' | 'temporary' | 'temporary_of' | 'xid_age' | 'xid_percent' | 'mxid_age' | 'mxid_percent'
>;
type Facts = Pick<ConnectionFacts, 'major' | 'inRecovery'>;

/** https://www.postgresql.org/docs/current/sql-createtable.html: autovacuum cannot reach temporary tables. */
export function judgeTemporary(rows: readonly Temporary[], facts: Facts): Finding[] {
  const old = rows.filter(
    ({ temporary, xid_percent, mxid_percent }) =>
      temporary && Math.max(xid_percent ?? 0, mxid_percent ?? 0) > BEHIND_PERCENT,
  );
  return gather(
    old.map((row) => judge(row, facts)),
    (count) => `${count} temporary tables keep the whole database from being frozen.`,
  );
}

function judge(row: Temporary, facts: Facts): Finding {
  const { schema, table, part, temporary_of, xid_age, xid_percent, mxid_age, mxid_percent } = row;
  const object = quoteName(schema, table);
  const orphaned = isOrphaned(row, facts);
  return {
    severity: 'warning',
    claim: `The temporary table ${object}${part === 'toast' ? ' (its TOAST)' : ''} keeps the whole database from being frozen: ${
      orphaned
        ? 'its session is gone, and left it behind.'
        : `only its own session${temporary_of === null ? '' : `, ${temporary_of},`} can vacuum it.`
    }`,
    object,
    evidence: { temporary_of, xid_age, xid_percent, mxid_age, mxid_percent },
    why: 'https://www.postgresql.org/docs/current/routine-vacuuming.html#VACUUM-FOR-WRAPAROUND',
    next_step: [...(orphaned ? [] : lookFor(temporary_of)), ...(temporary_of === null ? dropOrphan(schema) : [])].join(
      '\n',
    ),
  };
}

/** Before PostgreSQL 16, and on a standby, nobody can tell whose it is. */
function isOrphaned({ temporary_of }: Temporary, { major, inRecovery }: Facts): boolean {
  return temporary_of === null && major >= 16 && !inRecovery;
}

const SESSION = 'SELECT pid, usename, application_name, backend_start, state FROM pg_stat_activity';

function lookFor(pid: number | null): string[] {
  return pid === null
    ? [
        '-- its session is an old one, and the table goes with it',
        `${SESSION} WHERE datname = current_database() ORDER BY backend_start LIMIT 10;`,
      ]
    : [`${SESSION} WHERE pid = ${pid}; -- the table goes with it`];
}

/** A session that uses the schema loses what it has in it. */
function dropOrphan(schema: string): string[] {
  return [
    comment(
      'what a crashed session left behind autovacuum drops, at the latest when VACUUM is forced against wraparound; where it does not come, a superuser drops all that is in the schema:',
    ),
    comment(`DROP SCHEMA ${quoteIdentifier(schema)} CASCADE;`),
  ];
}
