import { PlatformError } from '../core/errors.ts';
import type { ReadOnlySession } from '../postgres/database.ts';
import type { DataRules } from '../policy/policy.ts';
import { readHiddenData, type HiddenData } from './hidden-data.ts';

/** A transaction of a call, with what its caller may not see of the database. */
export interface ReachedSession extends ReadOnlySession {
  /** Undefined for a caller without such rules. */
  readonly hidden: HiddenData | undefined;
  readonly withheld: Withheld;
}

/** What was left out of the answer of a call by the data rules of its persona. */
export interface Withheld {
  /** Whether rules of the persona hide anything, whatever was asked. */
  readonly rules: boolean;
  /** The most rows and texts that a reading of `what` left out: what is read again counts once. */
  readonly note: (what: string, rows: number, texts: number) => void;
  /** Whether anything of it was left out. */
  has(what: string): boolean;
  /** A total is a lower bound, since the server counts what is hidden. */
  noteTotal(): void;
  /** Hidden rows took the places of others, and more could not be read. */
  noteCut(): void;
  lacks(): { readonly isTotalOpen: boolean; readonly isCut: boolean };
  readonly count: () => { readonly rows: number; readonly texts: number };
  /**
   * False where the caller asked for something by a name: how many were left out would tell whether a name is one of
   * those.
   */
  readonly mayTell: boolean;
}

/** Arguments of a text that chooses between forms of an answer, and names nothing of a database. */
const NAMES_NOTHING: ReadonlySet<string> = new Set([
  'server',
  'database',
  'order_by',
  'sort',
  'detail',
  'kind',
  'state',
]);

export function createWithheld(rules: boolean, input: Readonly<Record<string, unknown>>): Withheld {
  const counts = new Map<string, { rows: number; texts: number }>();
  let [isTotalOpen, isCut] = [false, false];
  return {
    rules,
    note(what, rows, texts) {
      const known = counts.get(what);
      counts.set(what, { rows: Math.max(rows, known?.rows ?? 0), texts: Math.max(texts, known?.texts ?? 0) });
    },
    noteTotal() {
      isTotalOpen = true;
    },
    noteCut() {
      isCut = true;
    },
    lacks: () => ({ isTotalOpen, isCut }),
    has: (what) => (counts.get(what)?.rows ?? 0) > 0,
    count() {
      let [rows, texts] = [0, 0];
      for (const each of counts.values()) [rows, texts] = [rows + each.rows, texts + each.texts];
      return { rows, texts };
    },
    mayTell: Object.entries(input).every(([name, value]) => typeof value !== 'string' || NAMES_NOTHING.has(name)),
  };
}

/** Tells what the rules hide in the database of the session. */
export type ReadHidden = (session: ReadOnlySession, rules: DataRules) => Promise<HiddenData>;

interface Sight {
  readonly rules: DataRules | undefined;
  readonly withheld: Withheld;
  readonly readHidden: ReadHidden | undefined;
}

/** The session of a call. Reads in its transaction what the rules hide, so that both see the same catalogue. */
export async function reachSession(
  session: ReadOnlySession,
  { rules, withheld, readHidden = readHiddenData }: Sight,
): Promise<ReachedSession> {
  const hidden = rules && (await readHidden(session, rules));
  return {
    get facts() {
      return session.facts;
    },
    hidden,
    withheld,
    query: hidden
      ? (statement, values) => session.query(statement, values).catch((error: unknown) => refuseQuietly(error, hidden))
      : (statement, values) => session.query(statement, values),
  };
}

/** PostgreSQL names what it refuses. */
function refuseQuietly(error: unknown, hidden: HiddenData): never {
  if (!(error instanceof PlatformError)) throw error;
  const { code, message, hint, details } = error;
  const said = [message, hint, JSON.stringify(details)].some((text) => text !== undefined && hidden.reveals(text));
  if (!said) throw error;
  const sqlstate = details?.['sqlstate'];
  throw new PlatformError(code, 'PostgreSQL refused the statement, in words that name what your persona hides.', {
    ...(sqlstate !== undefined && { details: { sqlstate } }),
    cause: error,
  });
}
