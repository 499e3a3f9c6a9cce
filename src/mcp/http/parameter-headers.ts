import type { Catalog } from '../../calls/catalog.ts';
import { isRecord } from '../record.ts';
import { decodeHeaderValue } from './header-value.ts';
import { headerOf, type McpHeaders } from './exchange.ts';

/** The key of JSON Schema under which a tool names the header that repeats an argument, for whoever routes requests. */
const ANNOTATION = 'x-mcp-header';

interface ParameterHeader {
  readonly argument: string;
  /** In lower case. */
  readonly header: string;
}

/** The headers that tools declare, by the name that is listed: who calls by another name cannot know of them. */
export type ParameterHeaders = ReadonlyMap<string, readonly ParameterHeader[]>;

export function declaredParameterHeaders({ operations }: Catalog): ParameterHeaders {
  const tools = operations.filter(({ kind }) => kind === 'tool');
  return new Map(
    tools.flatMap(({ name, input }) => {
      const declared = Object.entries(input.shape).flatMap(([argument, schema]) => {
        const header: unknown = schema.meta()?.[ANNOTATION];
        return typeof header === 'string' ? [{ argument, header: `mcp-param-${header.toLowerCase()}` }] : [];
      });
      return declared.length > 0 ? [[name, declared] as const] : [];
    }),
  );
}

/** The header that is missing, unreadable or says something else than its argument; undefined if all agree. */
export function mismatchedParameter(
  declared: ParameterHeaders,
  { name, arguments: given }: Readonly<Record<string, unknown>>,
  headers: McpHeaders,
): string | undefined {
  const parameters = typeof name === 'string' ? declared.get(name) : undefined;
  if (parameters === undefined || !isRecord(given)) return undefined;
  return parameters.find(({ argument, header }) => !agrees(given[argument], headerOf(headers, header)))?.header;
}

/** What is no text, number or boolean has no header; the input's schema refuses it. A number may be written in other ways. */
function agrees(value: unknown, header: string | undefined): boolean {
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') return true;
  const decoded = header === undefined ? undefined : decodeHeaderValue(header);
  if (typeof value === 'number' && decoded !== undefined && /^-?\d+(\.\d+)?$/.test(decoded)) {
    return Number(decoded) === value;
  }
  return decoded === String(value);
}
