import { z } from 'zod';
import type { ReachedDatabase } from '../../calls/context.ts';
import type { NotExamined } from '../../contract/finding.ts';
import { PlatformError } from '../../core/errors.ts';
import { createWithheld, type ReachedSession, type Withheld } from '../../calls/reached-session.ts';
import type { ConnectionFacts, ParameterValue } from '../../postgres/database.ts';
import { compileShape, decodeRows } from '../../postgres/exact-values.ts';
import type { Variants } from '../../postgres/version.ts';
import type { StatementTexts } from '../../sqltext/statement-texts.ts';
import {
  disclosureOf,
  maskStatements,
  requireClosedLast,
  scrubTexts,
  withoutOtherDatabases,
  type Disclosure,
} from './disclosure.ts';
import { concede, NOTHING_CONCEDED } from './concessions.ts';
import { databaseNames } from './open-databases.ts';
import { hiddenFrom, type Sees } from './privileges.ts';
import { describeStatements } from './statements.ts';
import type { RowShape, ToolStatement } from './tool.ts';
import { readVisible } from './visible-rows.ts';
import { queryVariant } from './variant.ts';

/** Where nothing is said of what was left out. */
const UNCOUNTED: Withheld = {
  ...createWithheld(false, {}),
  note: () => undefined,
  noteTotal: () => undefined,
  noteCut: () => undefined,
};

type Values = Readonly<Record<string, ParameterValue>>;

type Row<Shape extends RowShape> = z.output<z.ZodObject<Shape>>;

/** One statement of a tool that has several. */
export interface Part<Shape extends RowShape = RowShape> {
  /** What it shows, in words that can follow "not examined:". */
  readonly what: string;
  readonly needs: Sees['privilege'] | undefined;
  /** One of its rows. */
  readonly shape: z.ZodObject<Shape>;
  readonly statements: readonly ToolStatement[];
  readonly disclosure: Disclosure;
  /** The rows of every database, their statements as they are; readParts leaves out and masks what the caller may not see. */
  read(session: ReachedSession, values: Values): Promise<Row<Shape>[]>;
}

/** A row of a part. */
export type RowOf<P extends Part> = z.output<P['shape']>;

export interface PartSpec<Shape extends RowShape> {
  readonly what: string;
  /** Without this right it is not even tried. */
  readonly needs?: Sees['privilege'];
  readonly row: Shape;
  readonly sql: Variants;
  /** What begins the sentence that says why it cannot be read; `This` if left out. */
  readonly subject?: string;
  /** What to call on a server that is too old for it, in a sentence. */
  readonly instead?: string;
  /** It finds what the caller means: how many of its rows are hidden would tell whether a name is one of those. */
  readonly looksUp?: boolean;
}

/** Of an extension that the database lacks, the part costs one line of what was not examined. */
export function definePart<const Shape extends RowShape>(spec: PartSpec<Shape>): Part<Shape> {
  const compiled = compileShape(spec.row);
  const disclosure = disclosureOf(spec.row);
  const source = { subject: spec.subject ?? 'This', variants: spec.sql, instead: spec.instead };
  const statements = describeStatements(spec.sql);
  requireClosedLast(spec.what, disclosure, statements);
  const limited = statements.some(({ params }) => params.includes('limit'));
  const fixed = statements.flatMap(({ text }) => /\blimit (\d+)$/.exec(text)?.[1] ?? []);
  const fixedLimit = fixed.length === 0 ? undefined : Math.min(...fixed.map(Number));
  return {
    what: spec.what,
    needs: spec.needs,
    shape: z.object(spec.row),
    statements,
    disclosure,
    async read(session, values) {
      const all = { ...NOTHING_CONCEDED, ...values };
      const read = async (limit?: number) =>
        decodeRows(await queryVariant(session, source, limit === undefined ? all : { ...all, limit }), compiled);
      const { facts, hidden } = session;
      const withheld = spec.looksUp === true ? UNCOUNTED : session.withheld;
      const rows = await readVisible({
        what: spec.what,
        session: { facts, hidden, withheld },
        guard: disclosure.guard,
        values,
        limit: limited ? Number(values['limit']) : undefined,
        fixedLimit,
        read,
      });
      scrubTexts(rows, disclosure);
      return rows as Row<Shape>[];
    },
  };
}

/** What of a part its caller may see. */
export interface ShownRows<Shape extends RowShape> {
  readonly rows: Row<Shape>[];
  /** How many of the rows that were read belong to databases that the caller may not reach. */
  readonly withheld: number;
}

/** Reads the rows that the caller may see; once more where those of other databases may have taken their places. */
export async function readShown<Shape extends RowShape>(
  { mayShow }: Pick<ReachedDatabase, 'mayShow'>,
  part: Part<Shape>,
  session: ReachedSession,
  values: Values,
): Promise<ShownRows<Shape>> {
  const read = async (open_databases: readonly string[] | null) => {
    const rows = await part.read(session, { ...values, open_databases });
    const shown = withoutOtherDatabases(rows, part.disclosure, mayShow);
    return { rows: shown, withheld: rows.length - shown.length };
  };
  const first = await read(null);
  const isSorted = part.statements.some(({ params }) => params.includes('open_databases'));
  if (first.withheld === 0 || !isSorted) return first;
  const again = await read((await databaseNames(session)).filter(mayShow));
  return { ...again, withheld: Math.max(first.withheld, again.withheld) };
}

type Parts = Readonly<Record<string, Part>>;

export interface ReadParts<Named extends Parts> {
  readonly facts: ConnectionFacts;
  /** The rows of each part; none of a part that could not be read. */
  readonly parts: { readonly [K in keyof Named]: readonly RowOf<Named[K]>[] };
  readonly unreadable: readonly NotExamined[];
  /** What has rows of databases that the caller may not reach, and how many. */
  readonly withheld: ReadonlyMap<string, number>;
}

export function statementsOf(parts: Parts): readonly ToolStatement[] {
  return Object.values(parts).flatMap(({ statements }) => statements);
}

/** How the statements in rows are shown: `length` is that of each, in characters. */
interface Masking {
  readonly texts: StatementTexts;
  readonly length: number;
}

/**
 * Reads several parts in one snapshot. A part that PostgreSQL refuses costs one line: the others are read again
 * without it, since a failure ends the transaction. Every statement may use the parameters of Concessions. Rows with
 * statements are not read without `masking`.
 */
export async function readParts<const Named extends Parts>(
  target: ReachedDatabase,
  named: Named,
  values: Values,
  masking?: Masking,
): Promise<ReadParts<Named>> {
  const told = Object.values(named).filter(({ disclosure }) => disclosure.statements.length > 0);
  if (told.length > 0 && !masking) throw new Error(`${told[0]?.what}: statements would be shown as they are`);
  const unreadable = new Map<string, NotExamined>();
  for (let conceded = NOTHING_CONCEDED; ;) {
    const read = await readOnce(target, { named, values: { ...values, ...conceded }, unreadable });
    if (!('failed' in read)) {
      if (masking) await maskParts(named, read.parts, masking);
      return { ...read, unreadable: [...unreadable.values()] } as ReadParts<Named>;
    }
    // each further round concedes more, or has one part less
    const { failed, error } = read;
    const part = named[failed];
    const more = concede(
      error,
      conceded,
      (name) => part?.statements.some(({ params }) => params.includes(name)) === true,
    );
    if (more) conceded = more;
    else unreadable.set(failed, describeFailure(part?.what ?? failed, error));
  }
}

type Attempt =
  | Pick<ReadParts<Parts>, 'facts' | 'parts' | 'withheld'>
  | { readonly failed: string; readonly error: PlatformError };

async function readOnce(
  target: ReachedDatabase,
  { named, values, unreadable }: { named: Parts; values: Values; unreadable: Map<string, NotExamined> },
): Promise<Attempt> {
  let current: string | undefined;
  const read = async (session: ReachedSession): Promise<Attempt> => {
    const parts: Record<string, readonly RowOf<Part>[]> = {};
    const withheld = new Map<string, number>();
    for (const [key, part] of Object.entries(named)) {
      current = key;
      const [hidden] = hiddenFrom(session.facts.role, part.needs ? [{ what: part.what, privilege: part.needs }] : []);
      if (hidden) unreadable.set(key, hidden);
      if (unreadable.has(key)) {
        parts[key] = [];
        continue;
      }
      const shown = await readShown(target, part, session, values);
      if (shown.withheld > 0) withheld.set(part.what, shown.withheld);
      parts[key] = shown.rows;
    }
    current = undefined;
    return { facts: session.facts, parts, withheld };
  };
  try {
    return await target.readOnly(read, { snapshot: true });
  } catch (error) {
    if (current !== undefined && error instanceof PlatformError && OF_ONE_PART.has(error.code)) {
      return { failed: current, error };
    }
    throw error;
  }
}

/** Changes the rows in place. */
async function maskParts(named: Parts, parts: ReadParts<Parts>['parts'], masking: Masking): Promise<void> {
  for (const [key, { disclosure }] of Object.entries(named)) {
    await maskStatements(parts[key] ?? [], disclosure, masking);
  }
}

/** Failures that leave the other parts to be read. */
const OF_ONE_PART: ReadonlySet<string> = new Set(['QUERY_FAILED', 'UNSUPPORTED']);

function describeFailure(what: string, { message, hint }: PlatformError): NotExamined {
  return { what, reason: message, ...(hint !== undefined && { remedy: hint }) };
}
