import { z } from 'zod';
import type { AuditFilters } from '../audit/filters.ts';
import { readTime } from '../audit/time-text.ts';
import type { Operation } from '../calls/operation.ts';
import { AccessClass } from '../contract/access-class.ts';
import { AuditKind, Outcome } from '../contract/audit-event.ts';
import { PlatformError } from '../core/errors.ts';
import { nearest } from '../core/nearest.ts';

const text = z.string().min(1).max(500).optional();

/** What narrows a reading of the audit log. */
export const auditFilters = {
  since: text.describe('From then on: `2h` or `7d` ago, a date or a time in ISO 8601.'),
  until: text.describe('Before then, in the same form.'),
  principal: text.describe('The subject, such as the name of an operating-system user.'),
  persona: text,
  operation: text.describe('A name, `area:<area>` or `class:<class>`.'),
  server: text.describe('Name in the configuration.'),
  database: text,
  outcome: z
    .enum([...Outcome.options, 'failed', 'denied'])
    .optional()
    .describe('OK, an error code, `failed` for any of those, or `denied`.'),
  decision: z.enum(['allow', 'deny']).optional(),
  kind: AuditKind.optional(),
  transport: text.describe('stdio, cli or http.'),
  client: text.describe('Name of the client program.'),
  address: text.describe('Source address.'),
  call_id: text,
  purpose_contains: text.describe('A part of the purpose; `purpose` itself says why this is read.'),
  text: text.describe('A part of the rule, the statement or the purpose.'),
};
export type GivenFilters = Partial<z.output<z.ZodObject<typeof auditFilters>>>;

/** Operations by area, as the catalog has them. */
export type KnownOperations = () => readonly Pick<Operation, 'name' | 'area'>[];

/** How far back a search for a part of a text goes that names no time: no index helps it. */
const TEXT_DAYS = '7d';

/** Fails with INVALID_INPUT for what is no time, area or class. */
export function readFilters(
  given: GivenFilters,
  operations: KnownOperations,
  nowMs: number = Date.now(),
): AuditFilters {
  const { since, until, operation, call_id: callId, purpose_contains: purpose, ...rest } = given;
  const looksIntoTexts = rest.text !== undefined || purpose !== undefined;
  const from = since ?? (looksIntoTexts && callId === undefined ? TEXT_DAYS : undefined);
  const filters = {
    ...rest,
    ...readOperation(operation, operations),
    callId,
    purpose,
    since: from === undefined ? undefined : readTime('since', from, nowMs),
    until: until === undefined ? undefined : readTime('until', until, nowMs),
  };
  if (filters.since !== undefined && filters.until !== undefined && filters.since >= filters.until) {
    throw new PlatformError('INVALID_INPUT', '`until` is not later than `since`.', {
      hint: 'Both count back from now where they are durations: `since` is the longer one.',
    });
  }
  return filters;
}

function readOperation(
  operation: string | undefined,
  operations: KnownOperations,
): Pick<AuditFilters, 'operations' | 'accessClass'> {
  if (operation === undefined) return {};
  const [, kind, name = ''] = /^(area|class):(.*)$/.exec(operation) ?? [];
  if (kind === undefined) return { operations: [operation] };
  if (kind === 'class') return { accessClass: known(name, AccessClass.options, 'class') };
  const all = operations();
  const area = known(name, [...new Set(all.map((each) => each.area))], 'area');
  return { operations: all.filter((each) => each.area === area).map((each) => each.name) };
}

function known(name: string, names: readonly string[], what: string): string {
  if (names.includes(name)) return name;
  const near = nearest(name, names);
  throw new PlatformError('INVALID_INPUT', `There is no ${what} ${JSON.stringify(name)}.`, {
    hint: near === undefined ? `There are: ${names.join(', ')}.` : `Did you mean "${near}"?`,
  });
}
