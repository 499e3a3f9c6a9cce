import { z } from 'zod';
import { byServerVersion, definePart, gather, quoteIdentifier, sql, type Finding, type RowOf } from '../kit/index.ts';
import { isOfServerOrDatabase } from '../server/setting-source.ts';

const DOCS = 'https://www.postgresql.org/docs/current';

interface Question {
  readonly severity: Finding['severity'];
  readonly claim: string;
  readonly why: string;
}

const PLANNER: Omit<Question, 'claim'> = {
  severity: 'notice',
  why: `${DOCS}/runtime-config-query.html#RUNTIME-CONFIG-QUERY-ENABLE`,
};

/** Values that are wrong for nearly every server, by the setting; those that cost data are server_overview's, too. */
const QUESTIONS: Readonly<Record<string, Question>> = {
  allow_system_table_mods: {
    severity: 'warning',
    claim: 'allow_system_table_mods is on: a mistaken statement can make the system catalogs unusable.',
    why: `${DOCS}/runtime-config-developer.html#GUC-ALLOW-SYSTEM-TABLE-MODS`,
  },
  ignore_system_indexes: {
    severity: 'warning',
    claim: 'ignore_system_indexes is on: the catalogs are read whole, and a damaged index goes unnoticed.',
    why: `${DOCS}/runtime-config-developer.html#GUC-IGNORE-SYSTEM-INDEXES`,
  },
  password_encryption: {
    severity: 'notice',
    claim: 'New passwords are hashed with MD5, which PostgreSQL is giving up.',
    why: `${DOCS}/auth-password.html`,
  },
  session_replication_role: {
    severity: 'warning',
    claim: 'session_replication_role is not origin: triggers do not fire, and foreign keys are not checked.',
    why: `${DOCS}/runtime-config-client.html#GUC-SESSION-REPLICATION-ROLE`,
  },
  synchronous_commit: {
    severity: 'notice',
    claim: 'synchronous_commit is off: a crash loses the transactions of the last moments, without damage.',
    why: `${DOCS}/wal-async-commit.html`,
  },
  track_activities: {
    severity: 'notice',
    claim: 'track_activities is off: nobody can see which statements run.',
    why: `${DOCS}/runtime-config-statistics.html#GUC-TRACK-ACTIVITIES`,
  },
};

export const questionable = definePart({
  what: 'settings with questionable values',
  row: { name: z.string(), value: z.string(), of_database: z.boolean() },
  sql: byServerVersion({
    12: sql`
      select s.name, s.setting as value, s.source = 'database' as of_database
        from pg_catalog.pg_settings s
       where ${isOfServerOrDatabase(sql`s.source`)}
         and s.source <> 'default' -- md5 was the default before 14
         and ((s.name, s.setting) in (
               ('allow_system_table_mods', 'on'), ('ignore_system_indexes', 'on'), ('password_encryption', 'md5'),
               ('session_replication_role', 'replica'), ('session_replication_role', 'local'),
               ('synchronous_commit', 'off'), ('track_activities', 'off'))
          or s.name ~ '^enable_(seqscan|indexscan|indexonlyscan|bitmapscan|hashjoin|mergejoin|nestloop|sort|hashagg|material)$' and s.setting = 'off')
       order by s.name`,
  }),
});

const LOOK = `SELECT name, setting, source, sourcefile, sourceline, boot_val FROM pg_settings WHERE source NOT IN ('default', 'override');`;

export function judgeQuestionable(rows: readonly RowOf<typeof questionable>[]): Finding[] {
  return gather(
    rows.map(({ name, value, of_database }) => {
      const question = QUESTIONS[name] ?? {
        ...PLANNER,
        claim: `${name} is off, so the planner avoids it in every statement.`,
      };
      return {
        ...question,
        ...(of_database && { claim: `${question.claim.slice(0, -1)}; that is set for this database.` }),
        object: quoteIdentifier(name),
        evidence: { [name]: value },
        next_step: `SELECT setting, source, sourcefile, sourceline, boot_val FROM pg_settings WHERE name = '${name}';`,
      };
    }),
    (count) => `${count} settings have questionable values.`,
    LOOK,
  );
}
