import { PlatformError } from '../../core/errors.ts';
import { isFault, parseDataPattern } from '../../policy/data-pattern.ts';
import type { CompiledPersona, DataDecision, Decision } from '../../policy/policy.ts';

type Rules = Pick<CompiledPersona, 'data' | 'dataGrants'>;

/** What the rules say of `schema.table` or `schema.table.column`. Fails with INVALID_INPUT for what names neither. */
export function decideTable({ data, dataGrants }: Rules, named: string): Decision {
  const parsed = parseDataPattern(named);
  if (isFault(parsed)) throw notATable(named, parsed.problem);
  const { schema, table, column } = parsed;
  if ([schema, table, column].some((part) => part?.isGlob === true)) throw notATable(named, 'has a `*`');
  const grant = column === undefined ? dataGrants.relation(schema.name, table.name) : undefined;
  const isHidden = data?.relation(schema.name, table.name).access === 'denied';
  if (grant?.allowed === true && !isHidden) return grant;
  if (data === undefined) return { allowed: true, rule: 'the persona has no rules for data' };
  return describe(
    column === undefined ? data.relation(schema.name, table.name) : data.column(schema.name, table.name, column.name),
  );
}

/** Whether SQL of the caller's own may call `schema.function`. Fails with INVALID_INPUT for what names none. */
export function decideFunction({ dataGrants }: Rules, named: string): Decision {
  const parsed = parseDataPattern(named);
  if (isFault(parsed)) throw notAFunction(named, parsed.problem);
  const { schema, table, column } = parsed;
  if (column !== undefined) throw notAFunction(named, 'has 3 parts');
  if (schema.isGlob || table.isGlob) throw notAFunction(named, 'has a `*`');
  return dataGrants.function(schema.name, table.name);
}

function notAFunction(named: string, problem: string): PlatformError {
  return new PlatformError('INVALID_INPUT', `${JSON.stringify(named.slice(0, 100))} ${problem}.`, {
    hint: 'Name one: schema.function, without arguments.',
  });
}

function describe(decision: DataDecision): Decision {
  if (decision.access === 'visible') return { allowed: true, rule: 'no rule of data hides it' };
  if (decision.access === 'denied') return { allowed: false, rule: decision.rule };
  return { allowed: true, rule: `${decision.rule}, shown as ${decision.mask}` };
}

function notATable(named: string, problem: string): PlatformError {
  return new PlatformError('INVALID_INPUT', `${JSON.stringify(named.slice(0, 100))} ${problem}.`, {
    hint: 'Name one: schema.table or schema.table.column.',
  });
}
