/** The values of the variables of an address, percent-decoded. */
export type UriValues = Readonly<Record<string, string>>;

/** PostgreSQL's own limit is 63 bytes; a server of the configuration and a tool have shorter names. */
const MAX_VALUE_LENGTH = 63;
const VARIABLE = /\{([a-z_]+)\}/g;

/** The form that the addresses of a kind of resource have, such as `howdah://tools/{name}`. */
export interface UriForm {
  /** In the order in which they stand; none for one fixed address. */
  readonly variables: readonly string[];
  /** Undefined for an address of another form. */
  parse(uri: string): UriValues | undefined;
}

/**
 * Compiles a template of simple variables (RFC 6570, level 1), each of which fills a whole part of the path. Not `URL`,
 * which would take `.` and `..` for steps and not for names.
 */
export function compileUriForm(template: string): UriForm {
  const variables = [...template.matchAll(VARIABLE)].map(([, name = '']) => name);
  const fixed = template.split(/\{[a-z_]+\}/).map((text) => text.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`));
  const form = new RegExp(`^${fixed.join('([^/?#]+)')}$`);
  return {
    variables,
    parse(uri) {
      const values = decodeAll(form.exec(uri)?.slice(1));
      return values && Object.fromEntries(variables.map((name, i) => [name, values[i] ?? '']));
    },
  };
}

/** Each once; undefined when one of them cannot be a name. */
function decodeAll(parts: readonly string[] | undefined): readonly string[] | undefined {
  try {
    const values = parts?.map(decodeURIComponent);
    return values?.every((value) => value.length <= MAX_VALUE_LENGTH && !value.includes('\0')) ? values : undefined;
  } catch {
    return undefined;
  }
}
