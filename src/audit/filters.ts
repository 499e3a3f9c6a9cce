import type { AuditEvent } from '../contract/audit-event.ts';
import { arrayText } from '../postgres/parameter-text.ts';

/** Which events are wanted; what is left out does not narrow. Times are ISO, `since` inclusive and `until` not. */
export interface AuditFilters {
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  /** The subject. */
  readonly principal?: string | undefined;
  readonly persona?: string | undefined;
  /** Any of these. */
  readonly operations?: readonly string[] | undefined;
  readonly accessClass?: string | undefined;
  readonly server?: string | undefined;
  readonly database?: string | undefined;
  /** OK, an error code, or `failed` for all of those, or `denied`. */
  readonly outcome?: string | undefined;
  readonly decision?: string | undefined;
  readonly kind?: string | undefined;
  readonly transport?: string | undefined;
  /** The name of the client program. */
  readonly client?: string | undefined;
  readonly address?: string | undefined;
  readonly callId?: string | undefined;
  /** A part of the purpose, in any case of letters. */
  readonly purpose?: string | undefined;
  /** A part of the rule, the statement or the purpose, in any case of letters. */
  readonly text?: string | undefined;
}

/** Puts a value among the parameters of a statement, and gives what stands for it there. */
export type Bind = (value: string) => string;

/** The parameters of one statement. */
export function createBindings(): { readonly bind: Bind; readonly values: string[] } {
  const values: string[] = [];
  return { values, bind: (value) => `$${values.push(value)}` };
}

const EQUAL = {
  principal: 'principal_subject',
  persona: 'persona',
  accessClass: 'access_class',
  server: 'server',
  database: 'database',
  decision: 'decision',
  kind: 'kind',
  transport: 'transport',
  client: 'client_name',
  address: 'source_address',
  callId: 'call_id',
} as const satisfies Partial<Record<keyof AuditFilters, keyof AuditEvent>>;
const EQUAL_KEYS = Object.keys(EQUAL) as (keyof typeof EQUAL)[];

/**
 * What stands behind `where`, of the table named `e`: only what was asked for, each in the form that an index of the log
 * has. `operations` with several names is not among it.
 */
export function conditionsOf(filters: AuditFilters, bind: Bind): string[] {
  const { since, until, operations, outcome, purpose, text } = filters;
  return [
    ...(since === undefined ? [] : [`e.at >= ${bind(since)}::timestamptz`]),
    ...(until === undefined ? [] : [`e.at < ${bind(until)}::timestamptz`]),
    ...EQUAL_KEYS.flatMap((key) => {
      const value = filters[key];
      return value === undefined ? [] : [`e.${EQUAL[key]} = ${bind(value)}`];
    }),
    ...(operations?.length === 1 ? [`e.operation = ${bind(operations[0] ?? '')}`] : []),
    ...(outcome === undefined ? [] : outcomeCondition(outcome, bind)),
    ...(purpose === undefined ? [] : [`e.purpose ilike ${bind(containing(purpose))}`]),
    ...(text === undefined ? [] : [textCondition(bind(containing(text)))]),
  ];
}

/** As `conditionsOf`, several operations among it: for what reads all that matches, in no order of an index. */
export function allConditionsOf(filters: AuditFilters, bind: Bind): string[] {
  const { operations } = filters;
  const conditions = conditionsOf(filters, bind);
  if (operations === undefined || operations.length === 1) return conditions;
  return [...conditions, `e.operation = any(${bind(arrayText(operations))}::text[])`];
}

function outcomeCondition(outcome: string, bind: Bind): string[] {
  if (outcome === 'denied') return [`e.decision = 'deny'`];
  if (outcome === 'failed') return [`e.outcome <> 'OK'`];
  // the index of failures is for whatever is not OK
  return [`e.outcome = ${bind(outcome)}`, ...(outcome === 'OK' ? [] : [`e.outcome <> 'OK'`])];
}

function textCondition(pattern: string): string {
  return `(e.rule ilike ${pattern} or e.sql_text ilike ${pattern} or e.purpose ilike ${pattern})`;
}

function containing(text: string): string {
  return `%${text.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`;
}

/** The same for an event of a file. */
export function matches(filters: AuditFilters): (event: AuditEvent) => boolean {
  const { since, until, operations, outcome, purpose, text } = filters;
  const [sinceMs, untilMs] = [since, until].map((time) => (time === undefined ? undefined : Date.parse(time)));
  return (event) =>
    (sinceMs === undefined || Date.parse(event.at) >= sinceMs) &&
    (untilMs === undefined || Date.parse(event.at) < untilMs) &&
    EQUAL_KEYS.every((key) => filters[key] === undefined || event[EQUAL[key]] === filters[key]) &&
    (operations === undefined || operations.includes(event.operation ?? '')) &&
    (outcome === undefined || hasOutcome(event, outcome)) &&
    (purpose === undefined || contains(event.purpose, purpose)) &&
    (text === undefined || [event.rule, event.sql_text, event.purpose].some((value) => contains(value, text)));
}

function hasOutcome(event: AuditEvent, outcome: string): boolean {
  if (outcome === 'denied') return event.decision === 'deny';
  if (outcome === 'failed') return event.outcome !== null && event.outcome !== 'OK';
  return event.outcome === outcome;
}

function contains(value: string | null, text: string): boolean {
  return value?.toLowerCase().includes(text.toLowerCase()) === true;
}
