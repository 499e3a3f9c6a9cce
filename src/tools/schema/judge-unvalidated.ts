import { comment, gather, quoteIdentifier, quoteLiteral, quoteName, type Finding } from '../kit/index.ts';
import type { UnvalidatedRow } from './unvalidated.ts';

const DOCS = 'https://www.postgresql.org/docs/current';

export function judgeUnvalidated(rows: readonly UnvalidatedRow[]): Finding[] {
  const ofKind = (judge: (row: UnvalidatedRow) => Finding | undefined) => rows.flatMap((row) => judge(row) ?? []);
  return [
    ...gather(ofKind(judgeUnchecked), (count) => `${count} constraints are not checked: their triggers are disabled.`),
    ...gather(ofKind(judgeTrigger), (count) => `${count} triggers are disabled.`),
    ...gather(ofKind(judgeNotValid), (count) => `${count} constraints were never checked against older rows.`),
    ...gather(ofKind(judgeNotEnforced), (count) => `${count} constraints are not enforced.`),
    ...gather(ofKind(judgeRule), (count) => `${count} rules are disabled.`),
  ];
}

function judgeUnchecked(row: UnvalidatedRow): Finding | undefined {
  const { schema, table, name, kind, state, disabled_triggers } = row;
  if (state !== 'disabled' || kind === 'trigger' || kind === 'rule') return undefined;
  const object = quoteName(schema, table);
  return {
    severity: 'warning',
    claim: `The ${kind.endsWith('key') ? kind : `${kind} constraint`} ${quoteIdentifier(name)} of ${object} is not checked: triggers that check it are disabled.`,
    object,
    evidence: { constraint: name, disabled_triggers, rows: row.rows },
    why: `${DOCS}/sql-altertable.html#SQL-ALTERTABLE-DESC-DISABLE-ENABLE-TRIGGER`,
    next_step: [
      '-- takes a superuser and SHARE ROW EXCLUSIVE locks, for which writes wait; rows that were written meanwhile stay as they are',
      ...(disabled_triggers > row.enable.length ? [WRITE_ENABLE] : row.enable),
      ...findViolations(row, object),
    ].join('\n'),
  };
}

/** Those of every constraint. */
const WRITE_ENABLE = `SELECT format('ALTER TABLE %s ENABLE TRIGGER %I;', tgrelid::regclass, tgname) FROM pg_trigger WHERE tgenabled = 'D' AND tgisinternal AND tgconstraint <> 0;`;

/** Rows that refer to nothing; every key is compared as MATCH SIMPLE has it. */
function findViolations(row: UnvalidatedRow, object: string): string[] {
  const { columns, referenced_schema, referenced_table, referenced_columns } = row;
  if (columns === null || referenced_columns === null || referenced_schema === null || referenced_table === null) {
    return [];
  }
  const ours = columns.map((column) => `c.${quoteIdentifier(column)}`);
  const pairs = ours.map((our, i) => `p.${quoteIdentifier(referenced_columns[i] ?? '')} = ${our}`);
  const isComplete = ours.map((our) => `${our} IS NOT NULL`).join(' AND ');
  const referenced = quoteName(referenced_schema, referenced_table);
  return [
    '-- the rows that violate it',
    `SELECT c.* FROM ${object} c WHERE ${isComplete} AND NOT EXISTS (SELECT FROM ${referenced} p WHERE ${pairs.join(' AND ')}) LIMIT 20;`,
  ];
}

function judgeTrigger({ kind, schema, table, name }: UnvalidatedRow): Finding | undefined {
  return kind === 'trigger' ? disabledTrigger(quoteName(schema, table), name) : undefined;
}

/** `object` is the quoted name of the table. */
export function disabledTrigger(object: string, trigger: string): Finding {
  const name = quoteIdentifier(trigger);
  return {
    severity: 'warning',
    claim: `The trigger ${name} of ${object} is disabled.`,
    object,
    evidence: { trigger, enabled: 'disabled' },
    why: `${DOCS}/sql-altertable.html#SQL-ALTERTABLE-DESC-DISABLE-ENABLE-TRIGGER`,
    next_step: [
      '-- what it does; enabled, it does not come for the rows that were written meanwhile',
      `SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = ${quoteLiteral(object)}::regclass AND tgname = ${quoteLiteral(trigger)};`,
      comment(
        `ALTER TABLE ${object} ENABLE TRIGGER ${name}; takes SHARE ROW EXCLUSIVE for a moment, for which writes wait, and it for theirs`,
      ),
    ].join('\n'),
  };
}

function judgeNotValid({ kind, schema, table, name, state }: UnvalidatedRow): Finding | undefined {
  return state === 'not valid' ? neverChecked(quoteName(schema, table), name, kind) : undefined;
}

/** Of a constraint that was added as NOT VALID; `object` is the quoted name of the table or domain. */
export function neverChecked(object: string, constraint: string, kind: UnvalidatedRow['kind']): Finding {
  const name = quoteIdentifier(constraint);
  const ofDomain = kind === 'domain check';
  return {
    severity: 'notice',
    claim: `The constraint ${name} of ${object} was never checked against the rows that were there before.`,
    object,
    evidence: { constraint, validated: false },
    why: `${DOCS}/${ofDomain ? 'sql-alterdomain.html' : 'sql-altertable.html#SQL-ALTERTABLE-DESC-VALIDATE-CONSTRAINT'}`,
    next_step: `ALTER ${ofDomain ? 'DOMAIN' : 'TABLE'} ${object} VALIDATE CONSTRAINT ${name}; ${comment(whileValidating(kind))}`,
  };
}

/** What it reads, and the lock that it holds meanwhile. */
function whileValidating(kind: UnvalidatedRow['kind']): string {
  if (kind === 'domain check') {
    return 'reads every table with a column of it; before PostgreSQL 18 their writes wait meanwhile (SHARE)';
  }
  const other = kind === 'foreign key' ? ', and ROW SHARE on the other table' : '';
  return `reads the table once, beside reads and writes (SHARE UPDATE EXCLUSIVE${other})`;
}

function judgeNotEnforced({ schema, table, name, state }: UnvalidatedRow): Finding | undefined {
  return state === 'not enforced' ? notEnforced(quoteName(schema, table), name) : undefined;
}

/** PostgreSQL 18 on. */
export function notEnforced(object: string, constraint: string): Finding {
  return {
    severity: 'notice',
    claim: `The constraint ${quoteIdentifier(constraint)} of ${object} is not enforced.`,
    object,
    evidence: { constraint, enforced: false },
    why: `${DOCS}/sql-createtable.html#SQL-CREATETABLE-PARMS-ENFORCED`,
  };
}

function judgeRule({ kind, schema, table, name }: UnvalidatedRow): Finding | undefined {
  if (kind !== 'rule') return undefined;
  const object = quoteName(schema, table);
  return {
    severity: 'notice',
    claim: `The rule ${quoteIdentifier(name)} of ${object} is disabled.`,
    object,
    evidence: { rule: name, enabled: 'disabled' },
    why: `${DOCS}/sql-altertable.html#SQL-ALTERTABLE-DESC-DISABLE-ENABLE-RULE`,
    next_step: [
      `SELECT pg_get_ruledef(oid) FROM pg_rewrite WHERE ev_class = ${quoteLiteral(object)}::regclass AND rulename = ${quoteLiteral(name)};`,
      comment(
        `ALTER TABLE ${object} ENABLE RULE ${quoteIdentifier(name)}; changes what statements do, and takes ACCESS EXCLUSIVE for a moment`,
      ),
    ].join('\n'),
  };
}
