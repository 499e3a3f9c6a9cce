import type { DataAccess } from './access.ts';
import { BOUNDED } from './bounded-calls.ts';
import { allowsArity, BUILT_IN_OPERATOR_NAMES, BUILT_INS, builtInType } from './reviewed-built-ins.ts';
import type { CatalogFacts, FunctionFacts } from './facts.ts';
import { judgeAttributeType, judgeCalled, judgeNamedType, judgeOperators } from './judge-with-facts.ts';
import type {
  AttributeReference,
  FunctionReference,
  OperatorReference,
  References,
  TypeReference,
} from './references.ts';
import { INFORMATION_SCHEMA, isHarmlessAlone } from './reviewed-functions.ts';
import { refuse } from './rules.ts';
import {
  extensionFunction,
  REFUSED_OF_EXTENSIONS,
  TRUSTED_EXTENSIONS,
  TRUSTED_OPERATORS,
  TRUSTED_TYPES,
} from './trusted-extensions.ts';
import type { Refusal } from './verdict.ts';

/** Why a function, operator, type or attribute of the statement is refused; without facts by its name alone. */
export function judgeNames(
  references: References,
  facts: CatalogFacts | undefined,
  access: DataAccess,
): Refusal | undefined {
  const context = { facts, access };
  return (
    first(references.functions, (reference) => judgeFunction(reference, context)) ??
    first(references.attributes, (reference) => judgeAttribute(reference, references, context)) ??
    first(references.operators, (reference) => judgeOperator(reference, context)) ??
    first(references.types, (reference) => judgeType(reference, context))
  );
}

interface Context {
  readonly facts: CatalogFacts | undefined;
  readonly access: DataAccess;
}

function judgeFunction(reference: FunctionReference, { facts, access }: Context): Refusal | undefined {
  const { schema, name, argumentCount, at } = reference;
  const builtIn = schema === undefined || schema === 'pg_catalog' ? BUILT_INS.get(name) : undefined;
  if (builtIn?.kind === 'refused' || (builtIn !== undefined && !allowsArity(name, argumentCount))) {
    return refuse('function/not-allowed', `The function ${name} is not allowed.`, at, INSTEAD.get(name));
  }
  if (builtIn?.kind === 'catalogue' && access.hides && !isHarmlessAlone(reference)) {
    return tells('function', name, at, INSTEAD.get(name));
  }
  if (facts !== undefined) return judgeCalled(reference, facts, access);
  return builtIn === undefined ? judgeUnseen(reference, access) : undefined;
}

/** Of a function that is no built-in, without a server that could say where it is from. */
function judgeUnseen(reference: FunctionReference, access: DataAccess): Refusal | undefined {
  const { schema, name, argumentCount, at } = reference;
  const shipped = schema === undefined ? ofTrustedExtension(name) : 'unknown';
  if (shipped === 'plain') return undefined;
  if (shipped === 'catalogue') return access.hides ? tells('function', name, at) : undefined;
  if (shipped === 'refused') return refuse('function/not-allowed', `The function ${name} is not allowed.`, at);
  if (schema === 'information_schema' && INFORMATION_SCHEMA.has(name)) return undefined;
  const isCast = argumentCount === 1 && builtInType(schema, name) !== 'unknown';
  if (isCast) return judgeType(reference, { facts: undefined, access });
  return refuse('function/unknown', `The function ${written(schema, name)} is not known to be harmless.`, at);
}

/** What one would rather use. */
const INSTEAD: ReadonlyMap<string, string> = new Map([
  ...['query_to_xml', 'table_to_xml', 'schema_to_xml', 'database_to_xml', 'cursor_to_xml'].map(
    (name) => [name, 'Select the rows, and make XML of them with xmlelement and xmlagg.'] as const,
  ),
  ['ts_stat', 'Use unnest() of the tsvector and count its lexemes.'],
  ['txid_current', 'Use pg_current_snapshot() or pg_current_xact_id_if_assigned(), which assign no transaction id.'],
  ['pg_current_xact_id', 'Use pg_current_xact_id_if_assigned(), which assigns no transaction id.'],
  ['pg_show_all_settings', 'Use the view pg_settings.'],
  ['set_config', 'Settings are not changed; say the value in the statement.'],
  ['pg_typeof', 'Write pg_typeof(…)::text, or select it as a column of its own.'],
  ['setseed', 'Use md5(id::text) to order by something that repeats.'],
  ['nextval', 'Read the last value with SELECT last_value FROM the sequence.'],
  ['currval', 'Read the last value with SELECT last_value FROM the sequence.'],
]);

/** `(x).f` may call any function of one argument, and `u.f` one of a row. */
function judgeAttribute(
  attribute: AttributeReference,
  references: References,
  { facts, access }: Context,
): Refusal | undefined {
  const { name, onlyRow, at } = attribute;
  if (!onlyRow && (isRefusedAttribute(name) || (access.hides && isTellingAttribute(name)))) return mayCall(name, at);
  if (facts === undefined || isColumn(attribute, references, facts)) return undefined;
  const overloads = facts
    .functions({ schema: undefined, name })
    .filter(({ takesRow, arguments: types }) => takesRow || (!onlyRow && types.length > 0));
  if (access.hides && overloads.some(isTelling)) return mayCall(name, at);
  const reached = overloads.filter(({ isBuiltIn }) => !isBuiltIn);
  const reason = `The attribute ${name} may call a function of that name that the persona is not granted.`;
  const allowed = reached.every((f) => access.grantsFunction(f.schema, f.name) || isExtensionPlain(f.extension, f));
  return allowed ? judgeAttributeType(name, at, facts, access) : refuse('attribute/function', reason, at);
}

function mayCall(name: string, at: number): Refusal {
  return refuse('attribute/function', `The attribute ${name} may call the function of that name.`, at);
}

function isRefusedAttribute(name: string): boolean {
  return BUILT_INS.get(name)?.kind === 'refused' || BOUNDED.has(name) || REFUSED_OF_EXTENSIONS.has(name);
}

/** Whether a function or a type of that name can tell of what is hidden. */
function isTellingAttribute(name: string): boolean {
  const kinds = [BUILT_INS.get(name)?.kind, ofTrustedExtension(name), builtInType(undefined, name)];
  return kinds.includes('catalogue');
}

function isTelling({ isBuiltIn, name }: FunctionFacts): boolean {
  return isBuiltIn && BUILT_INS.get(name)?.kind === 'catalogue';
}

function isExtensionPlain(extension: string | undefined, f: { name: string; language: string }): boolean {
  return extension !== undefined && extensionFunction(extension, f.name, f.language) === 'plain';
}

/** Whether every relation that the qualifier may mean has such a column, which PostgreSQL takes before a function. */
function isColumn({ qualifier, name }: AttributeReference, { relations }: References, facts: CatalogFacts): boolean {
  const meant = relations.filter((relation) => (relation.alias ?? relation.name) === qualifier);
  const found = meant.map((relation) => facts.relation(relation));
  return (
    found.length > 0 && found.every((relation) => relation?.columns.some((column) => column.name === name) === true)
  );
}

function judgeOperator(reference: OperatorReference, { facts, access }: Context): Refusal | undefined {
  if (facts !== undefined) return judgeOperators(reference, facts, access);
  const { schema, name, at } = reference;
  if (BUILT_IN_OPERATOR_NAMES.has(name) && (schema === undefined || schema === 'pg_catalog')) return undefined;
  if (TRUSTED_OPERATORS.has(name) && schema === undefined) return undefined;
  return refuse('operator/unknown', `The operator ${written(schema, name)} is not known to be harmless.`, at);
}

function judgeType(reference: TypeReference, { facts, access }: Context): Refusal | undefined {
  const { schema, name, at } = reference;
  const builtIn = builtInType(schema, name);
  if (builtIn === 'catalogue' && access.hides) return tells('type', name, at);
  if (facts !== undefined) return judgeNamedType(reference, facts, access);
  if (builtIn !== 'unknown' || (schema === undefined && TRUSTED_TYPES.has(name))) return undefined;
  return refuse('type/unknown', `The type ${written(schema, name)} is not known to be harmless.`, at);
}

/** What the function is in any trusted extension: refused wherever one refuses it. */
function ofTrustedExtension(name: string): ReturnType<typeof extensionFunction> {
  const kinds = new Set(TRUSTED_EXTENSIONS.map((extension) => extensionFunction(extension, name)));
  return (['refused', 'catalogue', 'plain'] as const).find((kind) => kinds.has(kind)) ?? 'unknown';
}

function tells(what: 'function' | 'type', name: string, at: number, hint?: string): Refusal {
  const rule = what === 'function' ? 'function/catalogue' : 'type/catalogue';
  return refuse(rule, `The ${what} ${name} can tell about what the persona may not see.`, at, hint);
}

function written(schema: string | undefined, name: string): string {
  return schema === undefined ? name : `${schema}.${name}`;
}

function first<T>(items: readonly T[], judge: (item: T) => Refusal | undefined): Refusal | undefined {
  for (const item of items) {
    const refusal = judge(item);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}
