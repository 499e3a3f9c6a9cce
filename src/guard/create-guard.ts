import { setImmediate } from 'node:timers/promises';
import { PlatformError } from '../core/errors.ts';
import type { ParseResult, StatementTexts } from '../sqltext/statement-texts.ts';
import type { DataAccess } from './access.ts';
import { refuseCredentials } from './judge-credentials.ts';
import type { CatalogFacts } from './facts.ts';
import { maskedColumnsOf } from './hidden-columns.ts';
import type { CatalogSource, Guard, GuardRequest, Verdict } from './guard.ts';
import { judgeNames } from './judge-names.ts';
import { judgeReached, namesOfCasts } from './judge-reached.ts';
import { judgeRelations } from './judge-relations.ts';
import { maskStatement, verifyMasked, type Masked } from './mask-statement.ts';
import { readFacts } from './read-facts.ts';
import { isRefusal, readReferences, readStatement, type ReadStatement } from './read-statement.ts';
import type { References } from './references.ts';
import { refuse } from './rules.ts';
import { withoutSemicolon } from './statement-text.ts';
import { byteAt } from './text-position.ts';
import { touchedNames } from './touched-names.ts';
import { createVerdictCache } from './verdict-cache.ts';
import type { Refusal } from './verdict.ts';

/** Shorter ones are judged within a millisecond or two. */
const LONG_CHARACTERS = 4000;

type Texts = Pick<StatementTexts, 'parse'>;

export function createGuard(texts: Texts): Guard {
  const cache = createVerdictCache<Verdict>();

  async function judge(request: GuardRequest): Promise<Verdict> {
    const { sql, access, catalog, signal } = request;
    const tree = await parse(texts, sql, signal);
    if (isRefusal(tree)) return deny(tree);
    await rest(sql);
    // an older server reads a new form as a call
    const statement = readStatement(tree, catalog && { major: catalog.session.facts.major });
    if (isRefusal(statement)) return deny(statement);
    await rest(sql);
    const refusal = refuseCredentials(statement.references);
    if (refusal !== undefined) return deny(refusal);
    const text = withoutSemicolon(sql, statement.end);
    if (isRefusal(text)) return deny(text);
    await rest(sql);
    if (catalog === undefined) return judgeByName(statement, text, access);
    return judgeByFacts(texts, request, { catalog, text, statement });
  }

  return {
    check: async (request) => {
      const { sql, access, catalog } = request;
      const place = catalog?.key ?? '';
      const known = cache.get(sql, access, place);
      if (known !== undefined) return known;
      const verdict = await judge(request);
      // what was refused for a name may be allowed once its owner has made it, which a caller would not wait for
      if (verdict.verdict === 'allow' || catalog === undefined) cache.set(sql, access, place, verdict);
      return verdict;
    },
  };
}

/** Lets others have their turn: each step of a long statement takes tens of milliseconds. */
async function rest({ length }: string): Promise<void> {
  if (length > LONG_CHARACTERS) await setImmediate();
}

/** The tree, or why there is none; rejects where the parser could not do its work. */
async function parse(texts: Texts, sql: string, signal?: AbortSignal): Promise<ParseResult | Refusal> {
  try {
    return await texts.parse(sql, signal);
  } catch (error) {
    if (!(error instanceof PlatformError) || error.code !== 'SQL_REJECTED') throw error;
    const position = error.details?.['position'];
    const at = typeof position === 'number' ? byteAt(sql, position) : undefined;
    return refuse('statement/parse', error.message, at, error.hint);
  }
}

function judgeByName(statement: ReadStatement, text: string, access: DataAccess): Verdict {
  const refusal = judgeNames(statement.references, undefined, access);
  if (refusal !== undefined) return deny(refusal);
  const { kind, analyzes, parameters } = statement;
  return {
    verdict: 'allow',
    kind,
    analyzes,
    text,
    wantsMaskKey: false,
    relations: [],
    maskedColumns: new Set(),
    facts: undefined,
    parameters,
  };
}

interface Judged {
  readonly catalog: CatalogSource;
  readonly text: string;
  readonly statement: ReadStatement;
}

async function judgeByFacts(texts: Texts, { access, signal }: GuardRequest, judged: Judged): Promise<Verdict> {
  const { catalog, text, statement } = judged;
  const { references, kind, analyzes, parameters } = statement;
  const facts = await readFacts(catalog.session, catalog.path, withCasts(references), (definitions) =>
    Promise.all(definitions.map((definition) => referencesOf(texts, definition, signal))),
  );
  // first, since what the others say could tell of a relation that is hidden
  const reached = judgeRelations(references, facts, access);
  if (isRefusal(reached)) return deny(reached);
  const refusal = judgeNames(references, facts, access) ?? judgeReached(references, facts, access);
  if (refusal !== undefined) return deny(refusal);
  const masked = maskStatement(text, references, facts, access);
  if (isRefusal(masked)) return deny(masked);
  const leak = await verify(texts, { text, masked, references, facts, access });
  if (leak !== undefined) return deny(leak);
  const { relations } = reached;
  const maskedColumns = maskedColumnsOf(relations, facts, access);
  const { wantsMaskKey, edits } = masked;
  const touches = touchedNames({ sql: text, references, relations, facts });
  const shape = { kind, analyzes, text: masked.text, wantsMaskKey, edits, touches, parameters };
  return { verdict: 'allow', ...shape, relations, maskedColumns, facts };
}

function withCasts(references: References): References {
  return { ...references, types: [...references.types, ...namesOfCasts(references)] };
}

interface Rewritten {
  readonly text: string;
  readonly masked: Masked;
  readonly references: References;
  readonly facts: CatalogFacts;
  readonly access: DataAccess;
}

/** Reads the text with the masks in it as PostgreSQL will, and looks for what they have missed. */
async function verify(
  texts: Texts,
  { text, masked, references, facts, access }: Rewritten,
): Promise<Refusal | undefined> {
  if (masked.edits.length === 0) return undefined;
  const tree = await parse(texts, masked.text);
  if (isRefusal(tree)) return tree;
  // the masks read their key from a setting, which no caller may
  const statement = readStatement(tree, { major: facts.major, anyArguments: true });
  if (isRefusal(statement)) return statement;
  return verifyMasked({ sql: text, masked, before: references, after: statement.references }, facts, access);
}

/** undefined where a definition is not understood, which refuses what reaches it. */
async function referencesOf(texts: Texts, definition: string, signal?: AbortSignal): Promise<References | undefined> {
  const tree = await parse(texts, definition, signal);
  const references = isRefusal(tree) ? tree : readReferences(tree);
  return isRefusal(references) ? undefined : references;
}

function deny(refusal: Refusal): Verdict {
  return { verdict: 'deny', ...refusal };
}
