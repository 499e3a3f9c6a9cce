import type { DataAccess } from './access.ts';
import { allowsArity, BUILT_INS, builtInType } from './reviewed-built-ins.ts';
import type { CatalogFacts, FunctionFacts, TypeFacts } from './facts.ts';
import type { FunctionReference, OperatorReference, TypeReference } from './references.ts';
import { hidingOfType } from './hidden-types.ts';
import { INFORMATION_SCHEMA, isHarmlessAlone } from './reviewed-functions.ts';
import { refuse, type Rule } from './rules.ts';
import { extensionFunction, trustsTypesOf } from './trusted-extensions.ts';
import type { Refusal } from './verdict.ts';

/** Every overload on the path must pass, since the types of the arguments choose, and a better match beats the built-in. */
export function judgeCalled(
  reference: FunctionReference,
  facts: CatalogFacts,
  access: DataAccess,
): Refusal | undefined {
  const { name, argumentCount, at } = reference;
  const overloads = facts.functions(reference);
  const isAlone = isHarmlessAlone(reference);
  for (const overload of overloads) {
    const refusal = judgeOverload(overload, { access, argumentCount, isAlone, at, rule: 'function/not-granted' });
    if (refusal !== undefined) return refusal;
  }
  // one argument and the name of a type make a cast
  const type = argumentCount === 1 ? facts.type(reference) : undefined;
  if (type !== undefined && !isHidden(type, facts, access)) return judgeTypeFacts(type, { facts, access, at });
  if (overloads.length > 0) return undefined;
  return refuse('function/unknown', `There is no function ${name} on the search path.`, at);
}

/** `u.f` as a cast to the type f. */
export function judgeAttributeType(name: string, at: number, facts: CatalogFacts, access: DataAccess) {
  const type = facts.type({ schema: undefined, name });
  if (type === undefined) return undefined;
  if (!isHidden(type, facts, access)) return judgeTypeFacts(type, { facts, access, at });
  return refuse('attribute/function', `The attribute ${name} may be a cast to the type of that name.`, at);
}

/** Every operator of that name on the path, by the function behind it. */
export function judgeOperators(
  reference: OperatorReference,
  facts: CatalogFacts,
  access: DataAccess,
): Refusal | undefined {
  const { name, at } = reference;
  const behind = facts.operators(reference);
  if (behind.length === 0) return refuse('operator/unknown', `There is no operator ${name} on the search path.`, at);
  for (const overload of behind) {
    const refusal = judgeOverload(overload, {
      access,
      argumentCount: overload.arguments.length,
      at,
      rule: 'operator/not-granted',
    });
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

export function judgeNamedType(reference: TypeReference, facts: CatalogFacts, access: DataAccess): Refusal | undefined {
  const type = facts.type(reference);
  // in the same words
  const { at } = reference;
  if (type !== undefined && !isHidden(type, facts, access)) return judgeTypeFacts(type, { facts, access, at });
  return refuse('type/unknown', `There is no type ${reference.name} on the search path.`, at);
}

interface Call {
  readonly access: DataAccess;
  readonly argumentCount: number | undefined;
  /** Whether it is one that tells nothing where it stands. */
  readonly isAlone?: boolean;
  readonly at: number;
  /** Of a function of the database's users that the persona is not granted. */
  readonly rule: Rule;
}

function judgeOverload(overload: FunctionFacts, call: Call): Refusal | undefined {
  const { schema, name } = overload;
  const { access, argumentCount, isAlone = false, at, rule } = call;
  const kind = kindOf(overload, argumentCount);
  if (kind === 'plain') return undefined;
  if (kind === 'catalogue') {
    const reason = `The function ${name} can tell about what the persona may not see.`;
    return access.hides && !isAlone ? refuse('function/catalogue', reason, at) : undefined;
  }
  if (kind === 'refused') return refuse('function/not-allowed', `The function ${schema}.${name} is not allowed.`, at);
  if (access.grantsFunction(schema, name)) return undefined;
  const reason =
    rule === 'operator/not-granted'
      ? `The operator may call ${schema}.${name}, which the persona is not granted.`
      : `The call may reach ${schema}.${name}, which the persona is not granted.`;
  return refuse(rule, reason, at);
}

function kindOf(
  overload: FunctionFacts,
  argumentCount: number | undefined,
): 'plain' | 'catalogue' | 'refused' | 'user' {
  const { schema, name, isBuiltIn, extension, language, arguments: types } = overload;
  if (isBuiltIn || schema === 'pg_catalog') {
    const builtIn = BUILT_INS.get(name);
    const fits = allowsArity(name, argumentCount) || (argumentCount !== undefined && types.length !== argumentCount);
    return builtIn === undefined || !isBuiltIn || !fits ? 'refused' : builtIn.kind;
  }
  if (schema === 'information_schema' && INFORMATION_SCHEMA.has(name)) return 'plain';
  if (extension === undefined) return 'user';
  const kind = extensionFunction(extension, name, language);
  return kind === 'unknown' ? 'user' : kind;
}

function isHidden(type: TypeFacts, facts: CatalogFacts, access: DataAccess): boolean {
  return hidingOfType(type, facts, access) === 'all';
}

interface TypeUse {
  readonly facts: CatalogFacts;
  readonly access: DataAccess;
  readonly at: number;
}

/** A domain, enum or composite of users is as harmless as what its checks and casts reach, which is judged as if written. */
function judgeTypeFacts(type: TypeFacts, { facts, access, at }: TypeUse): Refusal | undefined {
  const { schema, name, kind, isBuiltIn, extension } = type;
  if (hidingOfType(type, facts, access) === 'columns') {
    return refuse('type/catalogue', `The type ${name} can tell about what the persona may not see.`, at);
  }
  if (isBuiltIn) return undefined;
  if (extension !== undefined) {
    if (trustsTypesOf(extension)) return undefined;
    return refuse(
      'type/not-allowed',
      `The type ${name} belongs to the extension ${extension}, which is not trusted.`,
      at,
    );
  }
  if (schema === 'information_schema' && builtInType(schema, name) !== 'unknown') return undefined;
  if (kind !== 'base') return undefined;
  return refuse('type/not-allowed', `The type ${schema}.${name} has functions of its own.`, at);
}
