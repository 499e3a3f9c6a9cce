/** What a resource URI names. */
export type ResourceName =
  | {
      readonly kind: 'table';
      readonly server: string;
      readonly database: string;
      readonly schema: string;
      readonly table: string;
    }
  | { readonly kind: 'tool'; readonly name: string };

export const TABLE_URI_TEMPLATE = 'pg://{server}/{database}/{schema}/{table}';
export const TOOL_URI_TEMPLATE = 'howdah://tools/{name}';

/** PostgreSQL's own limit is 63 bytes; a server of the configuration and a tool have shorter ones. */
const MAX_SEGMENT_LENGTH = 63;
const TABLE_URI = /^pg:\/\/([^/?#]+)\/([^/?#]+)\/([^/?#]+)\/([^/?#]+)$/;
const TOOL_URI = /^howdah:\/\/tools\/([^/?#]+)$/;

/** Undefined for a URI of another form. Not `URL`, which would take `.` and `..` for steps and not for names. */
export function parseResourceUri(uri: string): ResourceName | undefined {
  const [server, database, schema, table] = decodeSegments(TABLE_URI.exec(uri));
  if (server !== undefined && database !== undefined && schema !== undefined && table !== undefined) {
    return { kind: 'table', server, database, schema, table };
  }
  const [name] = decodeSegments(TOOL_URI.exec(uri));
  return name === undefined ? undefined : { kind: 'tool', name };
}

export function toolUri(name: string): string {
  return `howdah://tools/${encodeURIComponent(name)}`;
}

/** Each segment percent-decoded once; none when one of them cannot be a name. */
function decodeSegments(match: RegExpExecArray | null): string[] {
  try {
    const segments = (match ?? []).slice(1).map(decodeURIComponent);
    return segments.every((segment) => segment.length <= MAX_SEGMENT_LENGTH && !segment.includes('\0')) ? segments : [];
  } catch {
    return [];
  }
}
