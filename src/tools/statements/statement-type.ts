import type { StatementType } from './load-row.ts';

const WORDS: Readonly<Record<Exclude<StatementType, 'other'>, readonly string[]>> = {
  select: ['select', 'values', 'table'],
  insert: ['insert'],
  update: ['update'],
  delete: ['delete'],
  merge: ['merge'],
  // what follows its list may be any of these
  with: ['with'],
  copy: ['copy'],
  procedure: ['call', 'do', 'execute'],
  ddl: ['create', 'alter', 'drop', 'truncate', 'grant', 'revoke', 'comment', 'reassign', 'security', 'import'],
  maintenance: ['vacuum', 'analyze', 'analyse', 'reindex', 'cluster', 'refresh', 'checkpoint', 'repack'],
  transaction: ['begin', 'start', 'commit', 'end', 'rollback', 'abort', 'savepoint', 'release', 'lock'],
  cursor: ['declare', 'fetch', 'move', 'close'],
  session: [
    'set',
    'reset',
    'show',
    'discard',
    'listen',
    'unlisten',
    'notify',
    'load',
    'prepare',
    'deallocate',
    'explain',
  ],
};

const TYPES = new Map(
  Object.entries(WORDS).flatMap(([type, words]) => words.map((word) => [word, type as StatementType] as const)),
);

/** By the first word of a statement, in lower case; null for null. */
export function typeOf(word: string | null): StatementType | null {
  return word === null ? null : (TYPES.get(word) ?? 'other');
}
