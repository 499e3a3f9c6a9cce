import { createHash } from 'node:crypto';
import { DatabaseError } from 'pg';
import { canonicalJson } from '../core/canonical-json.ts';
import type { Draft } from './chain.ts';
import { COLUMN_NAMES } from './columns.ts';
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

/**
 * What is recorded in the place of an event that the store refuses: who did what and how it ended, without what the
 * caller sent. One event must not keep all that come behind it from being recorded.
 */
export function inPlaceOf({ draft, line }: SealedEvent, sqlstate: string | undefined): Draft {
  const digest = createHash('sha256').update(line).digest('hex');
  return draft.map((json, i) => {
    const name = COLUMN_NAMES[i];
    if (name === 'details') return canonicalJson({ refused_by_store: sqlstate ?? null, sha256: digest });
    if (name === 'input') return 'null';
    if (json.length <= SHORT) return json;
    const value: unknown = JSON.parse(json);
    return typeof value === 'string' ? canonicalJson(cutText(value, SHORT)) : '[]';
  });
}
