import { findKey } from './key.ts';
import { formatPath, type Problem } from './problem.ts';
import { mapTexts, type Path } from './tree.ts';

/** The variables of the process; only main.ts reads them. */
export type Environment = Readonly<Record<string, string | undefined>>;

const NAME = /^[A-Za-z_]\w*$/;
/** `$${`, or `${` and what stands before its brace. */
const REFERENCE = /\$\$\{|\$\{([^{}]*)\}?/g;

/**
 * Replaces `${NAME}` inside every text of a tree; `$${` gives `${`. A value is put in as it is: it is neither parsed
 * nor searched for further references. Where the key is a whole number, digits become one.
 */
export function substitute(tree: unknown, env: Environment, problems: Problem[]): unknown {
  return mapTexts(tree, fill);

  function fill(text: string, path: Path): unknown {
    const missing: string[] = [];
    const filled = text.replaceAll(REFERENCE, (reference, name: string | undefined) => {
      if (name === undefined) return '${';
      const value = NAME.test(name) && reference.endsWith('}') && Object.hasOwn(env, name) ? env[name] : undefined;
      if (value === undefined) missing.push(reference.endsWith('}') && NAME.test(name) ? name : '');
      return value ?? '';
    });
    for (const name of missing) problems.push({ path: formatPath(path), message: describeMissing(name) });
    if (missing.length > 0) return undefined;
    return filled !== text && /^\d{1,15}$/.test(filled) && isNumberAt(path) ? Number(filled) : filled;
  }
}

/** Whether a text has characters of its own beside references. */
export function isLiteral(text: string): boolean {
  return text.replaceAll(REFERENCE, (_, name: string | undefined) => (name === undefined ? '$' : '')) !== '';
}

function describeMissing(name: string): string {
  if (name === '') return 'has "${" without the name of a variable; write ${NAME}, or $${ for the characters ${';
  return `needs the environment variable ${name}, which is not set; set it or write the value`;
}

function isNumberAt(path: Path): boolean {
  const key = findKey(path);
  return (
    key?.type === 'integer' || key?.anyOf?.some((form) => typeof form === 'object' && form.type === 'integer') === true
  );
}
