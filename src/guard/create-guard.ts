import { PlatformError } from '../core/errors.ts';
import type { ReadOnlySession } from '../postgres/database.ts';
import type { ParseResult, StatementTexts } from '../sqltext/statement-texts.ts';
import type { DataAccess } from './access.ts';
import { refuseCredentials } from './credential-catalogues.ts';
import type { CatalogFacts, RelationFacts } from './facts.ts';
import type { CatalogSource, Guard, GuardRequest, Verdict } from './guard.ts';
import { maskedColumnsOf } from './hidden-columns.ts';
import { judgeNames } from './judge-names.ts';
import { judgeReached } from './judge-reached.ts';
import { verifyMasked, type Masked } from './mask-statement.ts';
import { isRefusal, readStatement, type ReadStatement } from './read-statement.ts';
import type { References } from './references.ts';
import { refuse } from './rules.ts';
import { withoutSemicolon } from './statement-text.ts';
import { createVerdictCache } from './verdict-cache.ts';
import type { Refusal } from './verdict.ts';

export type Parse = (text: string, signal?: AbortSignal) => Promise<ParseResult>;

export interface GuardParts {
  readonly texts: Pick<StatementTexts, 'parse'>;
  /** Reads what the database says about the names, and about all that they reach. */
  readonly readFacts?: (
    session: ReadOnlySession,
    path: readonly string[],
    references: References,
    parse: Parse,
  ) => Promise<CatalogFacts>;
  /** Judges what the statement reaches by the rules of the persona. */
  readonly judgeRelations?: (
    references: References,
    facts: CatalogFacts,
    access: DataAccess,
  ) => Refusal | { readonly relations: readonly RelationFacts[] };
  /** Puts the masks into the text. */
  readonly maskStatement?: (
    sql: string,
    references: References,
    facts: CatalogFacts,
    access: DataAccess,
  ) => Refusal | Masked;
}

/** Each part that is missing makes the guard refuse what would need it. */
export function createGuard(parts: GuardParts): Guard {
  const cache = createVerdictCache<Verdict>();

  async function judge(request: GuardRequest): Promise<Verdict> {
    const { sql, access, catalog, signal } = request;
    const tree = await parse(parts, sql, signal);
    if (isRefusal(tree)) return deny(tree);
    const statement = readStatement(tree);
    if (isRefusal(statement)) return deny(statement);
    const refusal = refuseCredentials(statement.references);
    if (refusal !== undefined) return deny(refusal);
    const text = withoutSemicolon(sql, statement.end);
    if (isRefusal(text)) return deny(text);
    if (catalog === undefined) return judgeByName(statement, text, access);
    return judgeByFacts(parts, request, { catalog, tree, text, references: statement.references });
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
async function parse({ texts }: GuardParts, sql: string, signal?: AbortSignal): Promise<ParseResult | Refusal> {
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
  return {
    verdict: 'allow',
    kind: statement.kind,
    analyzes: statement.analyzes,
    text,
    wantsMaskKey: false,
    relations: [],
    maskedColumns: new Set(),
    facts: undefined,
    parameters: statement.parameters,
  };
}

interface Judged {
  readonly catalog: CatalogSource;
  readonly tree: ParseResult;
  readonly text: string;
  readonly references: References;
}

async function judgeByFacts(parts: GuardParts, request: GuardRequest, judged: Judged): Promise<Verdict> {
  const { access, signal } = request;
  const { catalog, tree, text } = judged;
  const { readFacts, judgeRelations, maskStatement } = parts;
  if (readFacts === undefined || judgeRelations === undefined || maskStatement === undefined) {
    throw new PlatformError('UNSUPPORTED', 'This guard has no part that reads a catalogue.', {
      hint: 'Judge the statement without a server.',
    });
  }
  const parseDefinition: Parse = (text) => parts.texts.parse(text, signal);
  const facts = await readFacts(catalog.session, catalog.path, judged.references, parseDefinition);
  // an older server may read a new form as a call
  const statement = readStatement(tree, facts.major);
  if (isRefusal(statement)) return deny(statement);
  const { references } = statement;
  const refusal = judgeNames(references, facts, access) ?? judgeReached(references, facts, access);
  if (refusal !== undefined) return deny(refusal);
  const reached = judgeRelations(references, facts, access);
  if (isRefusal(reached)) return deny(reached);
  const masked = maskStatement(text, references, facts, access);
  if (isRefusal(masked)) return deny(masked);
  if (masked.edits.length > 0) {
    // what the masks made of the text is read anew, not believed
    const after = readStatement(await parts.texts.parse(masked.text, signal), facts.major);
    if (isRefusal(after)) return deny(after);
    const fault = verifyMasked({ sql: text, masked, before: references, after: after.references }, facts, access);
    if (fault !== undefined) return deny(fault);
  }
  const { kind, analyzes, parameters } = statement;
  const { relations } = reached;
  const maskedColumns = maskedColumnsOf(relations, facts, access);
  return { verdict: 'allow', kind, analyzes, ...masked, maskedColumns, relations, facts, parameters };
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
