import { PlatformError } from '../core/errors.ts';
import type { ParseResult, StatementTexts } from '../sqltext/statement-texts.ts';
import type { DataAccess } from './access.ts';
import { refuseCredentials } from './credential-catalogues.ts';
import type { CatalogFacts } from './facts.ts';
import { maskedColumnsOf } from './hidden-columns.ts';
import type { CatalogSource, Guard, GuardRequest, Verdict } from './guard.ts';
import { judgeNames } from './judge-names.ts';
import { judgeReached } from './judge-reached.ts';
import { judgeRelations } from './judge-relations.ts';
import { maskStatement, verifyMasked, type Masked } from './mask-statement.ts';
import { readFacts } from './read-facts.ts';
import { isRefusal, readReferences, readStatement, type ReadStatement } from './read-statement.ts';
import type { References } from './references.ts';
import { refuse } from './rules.ts';
import { withoutSemicolon } from './statement-text.ts';
import { createVerdictCache } from './verdict-cache.ts';
import type { Refusal } from './verdict.ts';

type Texts = Pick<StatementTexts, 'parse'>;

export function createGuard(texts: Texts): Guard {
  const cache = createVerdictCache<Verdict>();

  async function judge(request: GuardRequest): Promise<Verdict> {
    const { sql, access, catalog, signal } = request;
    const tree = await parse(texts, sql, signal);
    if (isRefusal(tree)) return deny(tree);
    const statement = readStatement(tree);
    if (isRefusal(statement)) return deny(statement);
    const refusal = refuseCredentials(statement.references);
    if (refusal !== undefined) return deny(refusal);
    const text = withoutSemicolon(sql, statement.end);
    if (isRefusal(text)) return deny(text);
    if (catalog === undefined) return judgeByName(statement, text, access);
    return judgeByFacts(texts, request, { catalog, tree, text, references: statement.references });
  }

  return {
    check: async (request) => {
      const { sql, access, catalog } = request;
      const key = `${catalog?.key ?? ''}\0${sql}`;
      const known = cache.get(access, key);
      if (known !== undefined) return known;
      const verdict = await judge(request);
      cache.set(access, key, verdict);
      return verdict;
    },
  };
}

/** The tree, or why there is none; rejects where the parser could not do its work. */
async function parse(texts: Texts, sql: string, signal?: AbortSignal): Promise<ParseResult | Refusal> {
  try {
    return await texts.parse(sql, signal);
  } catch (error) {
    if (!(error instanceof PlatformError) || error.code !== 'SQL_REJECTED') throw error;
    const position = error.details?.['position'];
    const at = typeof position === 'number' ? bytesBefore(sql, position) : undefined;
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
  readonly tree: ParseResult;
  readonly text: string;
  readonly references: References;
}

async function judgeByFacts(texts: Texts, { access, signal }: GuardRequest, judged: Judged): Promise<Verdict> {
  const { catalog, tree, text } = judged;
  const facts = await readFacts(catalog.session, catalog.path, judged.references, (definitions) =>
    Promise.all(definitions.map((definition) => referencesOf(texts, definition, signal))),
  );
  // an older server reads a new form as a call
  const statement = readStatement(tree, { major: facts.major });
  if (isRefusal(statement)) return deny(statement);
  const { references, kind, analyzes, parameters } = statement;
  const refusal = judgeNames(references, facts, access) ?? judgeReached(references, facts, access);
  if (refusal !== undefined) return deny(refusal);
  const reached = judgeRelations(references, facts, access);
  if (isRefusal(reached)) return deny(reached);
  const masked = maskStatement(text, references, facts, access);
  if (isRefusal(masked)) return deny(masked);
  const leak = await verify(texts, { text, masked, references, facts, access });
  if (leak !== undefined) return deny(leak);
  const { relations } = reached;
  const maskedColumns = maskedColumnsOf(relations, facts, access);
  const { wantsMaskKey, edits } = masked;
  const shape = { kind, analyzes, text: masked.text, wantsMaskKey, edits, parameters };
  return { verdict: 'allow', ...shape, relations, maskedColumns, facts };
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

/** `position` counts characters from 1. */
function bytesBefore(sql: string, position: number): number {
  return Buffer.byteLength(
    Array.from(sql)
      .slice(0, position - 1)
      .join(''),
  );
}
