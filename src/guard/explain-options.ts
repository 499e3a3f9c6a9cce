import { refuse } from './rules.ts';
import { isObject, listOf, locationOf, nodeOf, textOf, type Fields } from './tree.ts';
import type { Refusal } from './verdict.ts';

const SWITCHES = new Set([
  'analyze',
  'buffers',
  'costs',
  'generic_plan',
  'memory',
  'settings',
  'summary',
  'timing',
  'verbose',
  'wal',
]);
const WORDS: Readonly<Record<string, readonly string[]>> = {
  format: ['text', 'xml', 'json', 'yaml'],
  serialize: ['none', 'off', 'text', 'binary'],
};

/** Whether EXPLAIN would run the statement: any ANALYZE that is not plainly off counts, whichever comes last. */
export function readExplainOptions(options: unknown): { readonly analyze: boolean } | Refusal {
  let analyze = false;
  for (const { type, fields } of listOf(options)) {
    const name = textOf(fields['defname']) ?? '';
    const value = valueOf(fields);
    const known = SWITCHES.has(name) ? booleanOf(value) !== undefined : isKnownWord(name, value);
    if (type !== 'DefElem' || fields['defnamespace'] !== undefined || !known) {
      return refuse(
        'statement/explain-option',
        `EXPLAIN has an option ${name} with a value that is not known.`,
        locationOf(fields),
      );
    }
    if (name === 'analyze' && booleanOf(value) !== false) analyze = true;
  }
  return { analyze };
}

function isKnownWord(name: string, value: string | undefined): boolean {
  const words = Object.hasOwn(WORDS, name) ? WORDS[name] : undefined;
  if (words === undefined) return false;
  return value === undefined ? name === 'serialize' : words.includes(value);
}

/** The value as text, lower-case as PostgreSQL compares it; undefined where there is none. */
function valueOf(fields: Fields): string | undefined {
  if (fields['arg'] === undefined) return undefined;
  const node = nodeOf(fields['arg']);
  if (node?.type === 'Integer') return typeof node.fields['ival'] === 'number' ? `${node.fields['ival']}` : '0';
  if (node?.type === 'String') return (textOf(node.fields['sval']) ?? '').toLowerCase();
  if (node?.type === 'Boolean') return String(isObject(node.fields) && node.fields['boolval'] === true);
  return 'something else';
}

/** As `defGetBoolean` has it: no value means true. */
function booleanOf(value: string | undefined): boolean | undefined {
  if (value === undefined || value === '1' || value === 'true' || value === 'on') return true;
  return value === '0' || value === 'false' || value === 'off' ? false : undefined;
}
