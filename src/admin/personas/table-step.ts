import { PlatformError } from '../../core/errors.ts';
import { isFault, parseDataPattern } from '../../policy/data-pattern.ts';
import type { DataDecision, DataRules, Decision } from '../../policy/policy.ts';

/** What the rules say of `schema.table` or `schema.table.column`. Fails with INVALID_INPUT for what names neither. */
export function decideTable(data: DataRules | undefined, named: string): Decision {
  const parsed = parseDataPattern(named);
  if (isFault(parsed)) throw notATable(named, parsed.problem);
  const { schema, table, column } = parsed;
  if ([schema, table, column].some((part) => part?.isGlob === true)) throw notATable(named, 'has a `*`');
  if (data === undefined) return { allowed: true, rule: 'the persona has no rules for data' };
  return describe(
    column === undefined ? data.relation(schema.name, table.name) : data.column(schema.name, table.name, column.name),
  );
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
