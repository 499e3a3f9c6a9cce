import { gather, quoteIdentifier, type Finding } from '../kit/index.ts';
import type { RecentError } from './recent.ts';

interface Kind {
  /** How its SQLSTATE begins: https://www.postgresql.org/docs/current/errcodes-appendix.html */
  readonly sqlstate: RegExp;
  readonly severity: Finding['severity'];
  /** What happened to statements. */
  readonly what: string;
  readonly next_step: string;
}

const READ_LOG = '-- the log of the server has the message of each';

/** Errors that are the server's or its machine's; those of applications are theirs. The first that matches counts. */
const KINDS: readonly Kind[] = [
  {
    sqlstate: /^XX00[12]/,
    severity: 'critical',
    what: 'met damaged data or a damaged index',
    next_step:
      '-- keep a copy of the data directory and look at backups before anything else\n-- the log of the server names what is damaged; amcheck says how far',
  },
  {
    sqlstate: /^XX/,
    severity: 'warning',
    what: 'failed by an error within PostgreSQL or an extension',
    next_step: READ_LOG,
  },
  {
    sqlstate: /^(?:53100|58)/,
    severity: 'critical',
    what: 'failed because a disk was full or a file could not be read or written',
    next_step: `${READ_LOG}\nSELECT spcname, pg_size_pretty(pg_tablespace_size(oid)) FROM pg_tablespace ORDER BY pg_tablespace_size(oid) DESC;`,
  },
  {
    sqlstate: /^53/,
    severity: 'warning',
    what: 'failed for want of memory, connections or another resource',
    next_step: READ_LOG,
  },
  {
    sqlstate: /^40P01/,
    severity: 'notice',
    what: 'were cancelled to end a deadlock',
    next_step: '-- the log of the server has both statements of each deadlock',
  },
];

export function judgeErrors(errors: readonly RecentError[]): Finding[] {
  return gather(
    errors.flatMap(({ database, sqlstate, error_level, calls, last_bucket_start }): Finding[] => {
      const kind = KINDS.find((each) => each.sqlstate.test(sqlstate ?? ''));
      if (!kind) return [];
      const { severity, what, next_step } = kind;
      const object = quoteIdentifier(database);
      return [
        {
          severity,
          claim: `${calls} ${calls === 1 ? 'statement' : 'statements'} in database ${object} ${what} (SQLSTATE ${sqlstate}).`,
          object,
          evidence: { sqlstate, error_level, calls, last_bucket_start },
          why: 'https://www.postgresql.org/docs/current/errcodes-appendix.html',
          next_step,
        },
      ];
    }),
    (count) => `Statements failed in ${count} ways that the server or its machine is to blame for.`,
  );
}
