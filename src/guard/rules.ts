import type { Refusal } from './verdict.ts';

/** Every rule of the guard, with the allowed way that its refusals name. A section of docs/sql-guard.md each. */
export const RULES = {
  'statement/parse': 'Correct the statement; the grammar is that of PostgreSQL 18.',
  'statement/one': 'Send one statement at a time.',
  'statement/kind': 'Only SELECT, VALUES, TABLE, WITH, EXPLAIN and SHOW are allowed.',
  'statement/data-modifying': 'Only read: write the part in WITH as a SELECT.',
  'statement/into': 'Leave INTO out; the rows are the answer.',
  'statement/locking': 'Leave FOR UPDATE or FOR SHARE out; reading needs no row locks.',
  'statement/explain-option':
    'Use ANALYZE, VERBOSE, COSTS, SETTINGS, GENERIC_PLAN, BUFFERS, SERIALIZE, WAL, TIMING, SUMMARY, MEMORY or FORMAT, with values that PostgreSQL knows.',
  'statement/explain-analyze': 'Use EXPLAIN without ANALYZE, which plans the statement and does not run it.',
  'statement/setting': 'Show another setting; this one may hold a secret.',
  'node/not-allowed': 'Write it with plain SELECT syntax.',
  'size/literal': 'Write the size as a number up to 1000000, or as least(…, 1000).',
  'size/too-large': 'Use sizes whose product is at most 1000000.',
  'function/not-allowed':
    'Use functions that only compute or read; docs/sql-guard.md lists what is not allowed and what to use instead.',
  'function/unknown': 'Use built-in functions, or ask an administrator to allow this one for the persona.',
  'function/not-granted':
    'Ask an administrator to allow the function for the persona, or use a built-in one by the name pg_catalog.….',
  'function/argument': 'Write that argument as a literal that is allowed.',
  'function/catalogue': 'Use the tools search_schema and describe_table, which show what the persona may see.',
  'operator/not-allowed': 'Use a built-in operator.',
  'operator/unknown': 'Use a built-in operator, or one of an extension that is trusted.',
  'operator/not-granted':
    'Ask an administrator to allow the function behind the operator, or write OPERATOR(pg_catalog.…).',
  'type/not-allowed': 'Use a built-in type.',
  'type/unknown': 'Use a built-in type, or compare with a literal without a cast.',
  'type/catalogue': 'Use the tools search_schema and describe_table, which show what the persona may see.',
  'attribute/function': 'Name a column; call functions with parentheses.',
  'input/malformed': 'Write a line of JSON such as {"sql": "SELECT 1"}.',
  'guard/unavailable': 'Try again; if it stays so, simplify the statement.',
  'mask/text': 'Write the name of the table plainly, with an alias after it.',
  'mask/qualified-column': 'Give the table an alias, and write alias.column.',
  'mask/target': 'Explain a SELECT with the same FROM and WHERE.',
  'mask/unknown-relation': 'Check the name, or ask again: its table may have been changed just now.',
  'mask/size': 'Name tables with masked columns less often.',
  'relation/credentials': 'Use the diagnostic tools, which show settings and roles without secrets.',
  'relation/unreadable': 'Ask for the tables that it reads.',
} as const satisfies Readonly<Record<string, string>>;

export type Rule = keyof typeof RULES;

/** `reason` is one sentence that names the node. */
export function refuse(rule: Rule, reason: string, at?: number, hint: string = RULES[rule]): Refusal {
  return { rule, reason, hint, ...(at !== undefined && at >= 0 && { at }) };
}
