import { createHash } from 'node:crypto';
import { DatabaseError } from 'pg';
import { canonicalJson } from '../core/canonical-json.ts';
import type { Draft } from './chain.ts';
import { COLUMN_NAMES, type ColumnName } from './columns.ts';
import { cutText } from './redact.ts';
import type { SealedEvent } from './store-rows.ts';

/** Data exceptions, violated constraints and exceeded limits: https://www.postgresql.org/docs/current/errcodes-appendix.html */
const ABOUT_THE_EVENT = /^(22|23|54)/;

/** Whether the store would refuse the same event again. */
export function isAboutTheEvent(error: unknown): error is DatabaseError {
  return error instanceof DatabaseError && ABOUT_THE_EVENT.test(error.code ?? '');
}

/** In characters of JSON; what is shorter stays as it is. */
const SHORT = 300;

/** What Howdah alone has written, in a form that is always the same. */
const OWN: ReadonlySet<ColumnName> = new Set([
  'id',
  'at',
  'kind',
  'call_id',
  'access_class',
  'decision',
  'outcome',
  'rows',
  'bytes',
  'truncated',
  'duration_ms',
  'transport',
]);

/** `digest` is that of the event that was refused first, as it was. */
interface Replacement {
  readonly digest: string;
  readonly isLast: boolean;
}

/** What stands in the place of refused events. */
const replacements = new WeakMap<Draft, Replacement>();

/**
 * What is recorded in the place of an event that the store refuses: who did what and how it ended, without what the
 * caller sent; should that be refused as well, without any text that came from outside, even the name of the caller.
 * One event must not keep all that come behind it from being recorded. Undefined where nothing is left to leave out.
 */
export function inPlaceOf({ draft, line }: SealedEvent, sqlstate: string | undefined): Draft | undefined {
  const before = replacements.get(draft);
  if (before?.isLast === true) return undefined;
  const digest = before?.digest ?? createHash('sha256').update(line).digest('hex');
  const details = canonicalJson({ refused_by_store: sqlstate ?? null, sha256: digest });
  const shorten = before === undefined ? withoutContent : withoutText;
  const draftInPlace = draft.map((json, i) => {
    const name = COLUMN_NAMES[i] as ColumnName;
    return name === 'details' ? details : shorten(name, json);
  });
  replacements.set(draftInPlace, { digest, isLast: before !== undefined });
  return draftInPlace;
}

function withoutContent(name: ColumnName, json: string): string {
  if (name === 'input') return 'null';
  if (json.length <= SHORT) return json;
  const value: unknown = JSON.parse(json);
  return typeof value === 'string' ? canonicalJson(cutText(value, SHORT)) : '[]';
}

function withoutText(name: ColumnName, json: string): string {
  if (OWN.has(name)) return json;
  return name === 'principal_roles' ? '[]' : 'null';
}
