import type { Lexed, Token } from './lexer.ts';
import { isSecretSetting } from './secret-settings.ts';

/** Statements that are shown as their name only, by the type of their node in the parse tree. */
const WITHHELD_NODES: ReadonlyMap<string, string> = new Map([
  ['CreateRoleStmt', 'CREATE ROLE'],
  ['AlterRoleStmt', 'ALTER ROLE'],
  ['AlterRoleSetStmt', 'ALTER ROLE'],
  ['CreateUserMappingStmt', 'CREATE USER MAPPING'],
  ['AlterUserMappingStmt', 'ALTER USER MAPPING'],
  ['CreateSubscriptionStmt', 'CREATE SUBSCRIPTION'],
  ['AlterSubscriptionStmt', 'ALTER SUBSCRIPTION'],
  ['CreateForeignServerStmt', 'CREATE SERVER'],
  ['AlterForeignServerStmt', 'ALTER SERVER'],
  ['CreateFdwStmt', 'CREATE FOREIGN DATA WRAPPER'],
  ['AlterFdwStmt', 'ALTER FOREIGN DATA WRAPPER'],
  ['CreateForeignTableStmt', 'CREATE FOREIGN TABLE'],
  ['ImportForeignSchemaStmt', 'IMPORT FOREIGN SCHEMA'],
  ['SecLabelStmt', 'SECURITY LABEL'],
]);
const FOREIGN_OPTIONS = new Set(['AT_GenericOptions', 'AT_AlterColumnGenericOptions']);

/** The same statements by their words, wherever they stand. */
const WITHHELD_WORDS =
  /(?<=^| )(?:(?:CREATE|ALTER) (?:USER MAPPING|ROLE|USER|GROUP|SUBSCRIPTION|SERVER|FOREIGN DATA WRAPPER|FOREIGN TABLE)|IMPORT FOREIGN SCHEMA|SECURITY LABEL)(?= |$)/;
const COPY_PROGRAM = /(?<=^| )(?:FROM|TO) PROGRAM '/;
const SET_VALUE = /(?<=^| )SET (?:(?:SESSION|LOCAL) )?([^ ]+(?: \. [^ ]+){0,15}) (?:=|TO)(?= |$)/g;
const PASSWORD = /(?<=^| )(?:PASSWORD|PASSWD|IDENTIFIED BY) ['"\w\u0080-\uffff]/;
/** Behind these, SET is a clause, and PASSWORD is a column. */
const CHANGES_DATA = /(?<=^| )(?:INSERT|UPDATE|MERGE)(?= |$)/;
const HAS_COLUMNS = /(?<=^| )(?:SELECT|INSERT|UPDATE|DELETE|MERGE|VALUES|TABLE|COPY)(?= |$)/;
/** What a statement of PostgreSQL 12 to 18 can begin with, also on a replication connection or in autovacuum's report. */
const FIRST_WORDS = new Set(
  `ABORT ALTER ANALYSE ANALYZE AUTOVACUUM BASE_BACKUP BEGIN CALL CHECKPOINT CLOSE CLUSTER COMMENT COMMIT COPY CREATE
  CREATE_REPLICATION_SLOT ALTER_REPLICATION_SLOT DEALLOCATE DECLARE DELETE DISCARD DO DROP DROP_REPLICATION_SLOT END EXECUTE
  EXPLAIN FETCH GRANT IDENTIFY_SYSTEM IMPORT INSERT LISTEN LOAD LOCK MERGE MOVE NOTIFY PREPARE READ_REPLICATION_SLOT REASSIGN
  REFRESH REINDEX RELEASE RESET RETURN REVOKE ROLLBACK SAVEPOINT SECURITY SELECT SET SHOW START START_REPLICATION TABLE
  TIMELINE_HISTORY TRUNCATE UNLISTEN UPDATE UPLOAD_MANIFEST VACUUM VALUES WITH`.split(/\s+/),
);

/** What is shown for a statement that is withheld by its parse tree, or null. Walks without recursion: trees are deep. */
export function withheldByTree(tree: object): string | null {
  const left: object[] = [tree];
  for (let node = left.pop(); node !== undefined; node = left.pop()) {
    for (const [key, child] of Object.entries(node)) {
      if (typeof child !== 'object' || child === null) continue;
      const statement = WITHHELD_NODES.get(key) ?? withheldNode(key, child as Record<string, unknown>);
      if (statement !== undefined) return notice(statement);
      left.push(child as object);
    }
  }
  return null;
}

function withheldNode(key: string, node: Readonly<Record<string, unknown>>): string | undefined {
  const { name, kind, subtype } = node;
  if (key === 'CopyStmt' && node['is_program'] === true) return 'COPY PROGRAM';
  if (key === 'AlterTableCmd' && FOREIGN_OPTIONS.has(String(subtype))) return 'ALTER FOREIGN TABLE';
  const sets = (key === 'VariableSetStmt' || key === 'setstmt') && kind === 'VAR_SET_VALUE';
  return sets && isSecretSetting(String(name)) ? 'SET' : undefined;
}

/** The words of a statement, in upper case, one space between; `"` for a name, `'` for a constant, `$` for a parameter. */
export function wordsOf(text: string, { tokens }: Lexed): string {
  return tokens.map((token) => wordOf(text, token)).join(' ');
}

/** What is shown for a statement that is withheld by its words, or null. Used for every text, parsed or not. */
export function withheldByWords(words: string): string | null {
  const statement = WITHHELD_WORDS.exec(words)?.[0];
  if (statement !== undefined) return notice(statement);
  if (COPY_PROGRAM.test(words)) return notice('COPY PROGRAM');
  return statementsIn(words).some(setsSecret) ? notice('SET') : null;
}

/** Whether a text that does not parse may have a password outside of a constant, as when its quotes were forgotten. */
export function mayNamePassword(words: string): boolean {
  return statementsIn(words).some((statement) => PASSWORD.test(partBefore(HAS_COLUMNS, statement)));
}

/** Whether every statement begins as one can; what does not may be anything, such as a password typed at a prompt. */
export function beginsAsStatement(words: string): boolean {
  return statementsIn(words).every((statement) => FIRST_WORDS.has(firstWord(statement)));
}

function wordOf(text: string, { kind, start, end }: Token): string {
  if (kind === 'constant') return "'";
  if (kind === 'name') return '"';
  return kind === 'parameter' ? '$' : text.slice(start, end).toUpperCase();
}

function statementsIn(words: string): string[] {
  return words.split(/(?:^| );(?= |$)/).filter((statement) => statement.trim() !== '');
}

function partBefore(pattern: RegExp, statement: string): string {
  const at = statement.search(pattern);
  return at === -1 ? statement : statement.slice(0, at);
}

function firstWord(statement: string): string {
  return /^[ (]*([^ ]*)/.exec(statement)?.[1] ?? '';
}

/** A name in double quotes is taken for a secret's. */
function setsSecret(statement: string): boolean {
  const names = [...partBefore(CHANGES_DATA, statement).matchAll(SET_VALUE)].map(([, name = '"']) =>
    name.replaceAll(' ', ''),
  );
  return names.some((name) => name.includes('"') || isSecretSetting(name));
}

function notice(statement: string): string {
  const password = statement.startsWith('CREATE') || statement.startsWith('ALTER');
  return `<${statement} withheld: may contain a ${password ? 'password' : 'secret'}>`;
}
