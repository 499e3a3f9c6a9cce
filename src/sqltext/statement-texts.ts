import { setImmediate } from 'node:timers/promises';
import type { ParseResult } from 'libpg-query';
import { draftOf, showDraft, type Draft } from './draft.ts';
import { lex } from './lexer.ts';
import { fingerprintTokens } from './masked-text.ts';
import { createParser } from './parser.ts';
import type { Outcome } from './parser-messages.ts';
import { MAX_STATEMENT_BYTES, refuseOutcome, refuseUnparsed } from './rejection.ts';
import { createTextCache } from './text-cache.ts';

export type { ParseResult } from 'libpg-query';

export interface NormalisedText {
  readonly text: string;
  /** Null when the text does not parse. */
  readonly fingerprint: string | null;
}

/** Statement texts, of other sessions or of a caller, made fit to be shown, kept and judged. */
export interface StatementTexts {
  /**
   * The texts in the same order, with `$n` for constants, without comments, on one line. Statements that carry secrets
   * are withheld whole, and so is what does not begin as SQL. Never rejects: what does not parse is masked all the same.
   */
  mask(texts: readonly (string | null)[]): Promise<(string | null)[]>;
  /** As `mask`, but shows what does not begin as SQL: for the record of what a caller asked for. Never rejects. */
  normalise(text: string): Promise<NormalisedText>;
  /**
   * The parse tree in PostgreSQL 18's grammar, a copy of the caller's own, at most 2,500 levels deep; locations in it
   * are bytes of UTF-8 from 0. Rejects with SQL_REJECTED (`details.position` in characters from 1), TIMEOUT,
   * UNAVAILABLE, or the reason of the signal.
   */
  parse(text: string, signal?: AbortSignal): Promise<ParseResult>;
  /** Ends the parser; what still waits for it is masked without it. */
  close(): Promise<void>;
}

export interface StatementTextsOptions {
  /** The parser ends after so long without work, to give its memory back. */
  readonly idleMs?: number | undefined;
  /** How long the parser may take for one text. */
  readonly textMs?: number | undefined;
  /** How much each of the three caches may hold. */
  readonly cacheBytes?: number | undefined;
}

/** The server's own words in the place of a statement. */
const NO_STATEMENTS: ReadonlySet<string> = new Set([
  '',
  '<insufficient privilege>',
  '<command string not enabled>',
  '<backend information not available>',
]);

/** Characters of JSON, which take some milliseconds to read. */
const LARGE_TREE = 200_000;

const LOST = '<statement withheld>';

/** The parser starts at the first need, does not keep the process alive, and ends after an idle minute. */
export function openStatementTexts(options: StatementTextsOptions = {}): StatementTexts {
  const { idleMs, textMs = 500, cacheBytes = 4 << 20 } = options;
  const parser = createParser({ idleMs, textMs });
  const masks = createTextCache<string>(cacheBytes, (text) => 2 * text.length);
  const normals = createTextCache<NormalisedText>(cacheBytes, ({ text }) => 2 * text.length);
  const trees = createTextCache<string>(cacheBytes, (json) => 2 * json.length);

  /** The parser's outcomes in the same order, undefined for what must not reach the parser. */
  async function judge(drafts: readonly Draft[]): Promise<(Outcome | undefined)[]> {
    const parsable = drafts.filter(({ text, lexed }) => refuseUnparsed(text, lexed) === undefined);
    const outcomes = await parser.ask(
      'verdict',
      parsable.map(({ text }) => text),
    );
    const outcomeOf = new Map(outcomes.map((outcome, i) => [parsable[i], outcome]));
    return drafts.map((draft) => outcomeOf.get(draft));
  }

  async function maskAll(texts: readonly string[]): Promise<Map<string, string>> {
    const drafts = texts.map(draftOf);
    const masked = new Map<string, string>();
    for (const [i, outcome] of (await judge(drafts)).entries()) {
      const draft = drafts[i];
      if (draft === undefined) continue;
      const shown = showDraft(draft, outcome, false);
      masked.set(draft.original, shown);
      if (isFinal(outcome)) masks.set(draft.original, shown);
    }
    return masked;
  }

  async function mask(texts: readonly (string | null)[]): Promise<(string | null)[]> {
    const known = new Map<string, string | undefined>();
    for (const text of texts) if (isStatement(text)) known.set(text, masks.get(text));
    const unknown = [...known].flatMap(([text, masked]) => (masked === undefined ? [text] : []));
    const masked = await maskAll(unknown);
    return texts.map((text) => (isStatement(text) ? (known.get(text) ?? masked.get(text) ?? LOST) : text));
  }

  async function normalise(text: string): Promise<NormalisedText> {
    const known = normals.get(text);
    if (known !== undefined) return known;
    const draft = draftOf(text);
    const [outcome] = await judge([draft]);
    const parsed = outcome?.kind === 'parsed' && draft.text === text;
    const fingerprint = parsed ? fingerprintTokens(draft.text, draft.lexed) : null;
    const normalised = { text: showDraft(draft, outcome, true), fingerprint };
    if (isFinal(outcome)) normals.set(text, normalised);
    return normalised;
  }

  async function parse(text: string): Promise<ParseResult> {
    const known = trees.get(text);
    if (known !== undefined) return JSON.parse(known) as ParseResult;
    const refusal = refuseUnparsed(text, lex(text.slice(0, MAX_STATEMENT_BYTES)));
    if (refusal !== undefined) throw refusal;
    const [outcome] = await parser.ask('tree', [text]);
    if (outcome?.kind !== 'tree') throw refuseOutcome(outcome, textMs);
    trees.set(text, outcome.json);
    // what was received took its time already
    if (outcome.json.length > LARGE_TREE) await setImmediate();
    return JSON.parse(outcome.json) as ParseResult;
  }

  return {
    mask,
    normalise,
    parse: (text, signal) => (signal === undefined ? parse(text) : leaveOnAbort(() => parse(text), signal)),
    close: () => parser.close(),
  };
}

function isStatement(text: string | null): text is string {
  return text !== null && !NO_STATEMENTS.has(text);
}

/** Whether the same text would fare no better at another time. */
function isFinal(outcome: Outcome | undefined): boolean {
  return outcome?.kind !== 'skipped' && outcome?.kind !== 'unavailable';
}

/** The work is not stopped, only no longer waited for. */
function leaveOnAbort<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const leave = () => reject(signal.reason);
    signal.addEventListener('abort', leave, { once: true });
    work()
      .finally(() => signal.removeEventListener('abort', leave))
      .then(resolve, reject);
  });
}
