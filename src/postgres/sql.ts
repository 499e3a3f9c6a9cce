/** SQL as a value: text with holes, composed from fragments; values never become part of the text. */
export interface Sql {
  readonly kind: 'sql';
  readonly parts: readonly Part[];
}

/** A parameter that is named in the text and given a value when the statement is sent. */
export interface Param<Name extends string = string> {
  readonly kind: 'param';
  readonly name: Name;
}

/** Stands for the schema that an extension was created in, which is known only when the server has been asked. */
export interface ExtensionSchema {
  readonly kind: 'extension';
  readonly extension: string;
}

type Part = string | Param | ExtensionSchema;

/** A statement with numbered placeholders and the names of their values, in order. Static: made once, sent often. */
export interface Statement {
  readonly text: string;
  readonly params: readonly string[];
}

/** `${fragment}` is spliced, `${param('x')}` becomes a placeholder; a value cannot be a hole. */
export function sql(strings: TemplateStringsArray, ...holes: readonly (Sql | Param | ExtensionSchema)[]): Sql {
  const parts: Part[] = [strings[0] ?? ''];
  for (const [i, hole] of holes.entries()) {
    if (hole.kind === 'sql') parts.push(...hole.parts);
    else parts.push(hole);
    parts.push(strings[i + 1] ?? '');
  }
  return { kind: 'sql', parts };
}

export function param<const Name extends string>(name: Name): Param<Name> {
  return { kind: 'param', name };
}

export function extensionSchema(extension: string): ExtensionSchema {
  return { kind: 'extension', extension };
}

/** Doubles quotes as PostgreSQL's quote_ident does, and always quotes. */
export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/**
 * Numbers the placeholders; one name is always one placeholder. `schemaOf` names the schema of an extension.
 * Indentation of the template is taken away.
 */
export function compile(query: Sql, schemaOf: (extension: string) => string = refuseExtension): Statement {
  const params: string[] = [];
  const text = query.parts.map((part) => {
    if (typeof part === 'string') return part;
    if (part.kind === 'extension') return quoteIdentifier(schemaOf(part.extension));
    if (!params.includes(part.name)) params.push(part.name);
    return `$${params.indexOf(part.name) + 1}`;
  });
  return { text: dedent(text.join('')), params };
}

function refuseExtension(extension: string): never {
  throw new Error(`the statement needs the schema of the extension ${extension}`);
}

function dedent(text: string): string {
  const lines = text.split('\n');
  const indents = lines.filter((line) => line.trim() !== '').map((line) => line.search(/\S/));
  const indent = Math.min(...indents.slice(lines[0]?.trim() === '' ? 0 : 1), Infinity);
  return lines
    .map((line, i) => (i === 0 || indent === Infinity ? line : line.slice(Math.min(indent, line.search(/\S|$/)))))
    .join('\n')
    .trim();
}
