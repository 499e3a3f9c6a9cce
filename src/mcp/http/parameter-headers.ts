import type { Catalog } from '../../calls/catalog.ts';
import type { Operation } from '../../calls/operation.ts';
import { isRecord } from '../../core/record.ts';
import { decodeHeaderValue } from './header-value.ts';
import { headerOf, type McpHeaders } from './exchange.ts';

/** The key of JSON Schema under which a tool names the header that repeats an argument, for whoever routes requests. */
const ANNOTATION = 'x-mcp-header';

interface ParameterHeader {
  /** Names of the argument; who calls by an alias may use the alias's or ours. */
  readonly names: readonly string[];
  /** In lower case. */
  readonly header: string;
  /** False for an alias: who calls by a name that is not listed cannot know of the header, but must not lie in it. */
  readonly isRequired: boolean;
}

/** The headers that tools declare, by every name that a tool is called by. */
export type ParameterHeaders = ReadonlyMap<string, readonly ParameterHeader[]>;

export function declaredParameterHeaders({ operations }: Catalog): ParameterHeaders {
  return new Map(operations.filter(({ kind }) => kind === 'tool').flatMap(headersOfTool));
}

function headersOfTool({ name, input, alsoKnownAs }: Operation): [name: string, headers: ParameterHeader[]][] {
  const declared = Object.entries(input.shape).flatMap(([argument, schema]) => {
    const header: unknown = schema.meta()?.[ANNOTATION];
    return typeof header === 'string' ? [{ argument, header: `mcp-param-${header.toLowerCase()}` }] : [];
  });
  if (declared.length === 0) return [];
  const aliases = Object.entries(alsoKnownAs).map(([alias, argumentNames]): [string, ParameterHeader[]] => [
    alias,
    declared.map(({ argument, header }) => ({
      names: [argument, ...Object.keys(argumentNames).filter((theirs) => argumentNames[theirs] === argument)],
      header,
      isRequired: false,
    })),
  ]);
  return [
    [name, declared.map(({ argument, header }) => ({ names: [argument], header, isRequired: true }))],
    ...aliases,
  ];
}

/** The header that is missing, unreadable or says something else than its argument; undefined if all agree. */
export function mismatchedParameter(
  declared: ParameterHeaders,
  { name, arguments: given }: Readonly<Record<string, unknown>>,
  headers: McpHeaders,
): string | undefined {
  const parameters = typeof name === 'string' ? declared.get(name) : undefined;
  if (parameters === undefined || !isRecord(given)) return undefined;
  return parameters.find(({ names, header, isRequired }) => {
    const value = headerOf(headers, header);
    if (value === undefined && !isRequired) return false;
    return names.some((argument) => Object.hasOwn(given, argument) && !agrees(given[argument], value));
  })?.header;
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
