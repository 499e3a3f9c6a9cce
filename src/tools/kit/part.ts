import { z } from 'zod';
import type { ReachedDatabase } from '../../calls/context.ts';
import type { NotExamined } from '../../contract/finding.ts';
import { PlatformError } from '../../core/errors.ts';
import type { ConnectionFacts, ParameterValue, ReadOnlySession } from '../../postgres/database.ts';
import { compileShape, decodeRows } from '../../postgres/exact-values.ts';
import { compile, type Statement } from '../../postgres/sql.ts';
import { pickVariant, type Variants } from '../../postgres/version.ts';
import { disclosureOf, scrubTexts } from './disclosure.ts';
import { hiddenFrom, type Sees } from './privileges.ts';
import { describeStatements } from './statements.ts';
import type { RowShape, ToolStatement } from './tool.ts';

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
  read(session: ReadOnlySession, values: Values): Promise<Row<Shape>[]>;
}

/** A row of a part. */
export type RowOf<P extends Part> = z.output<P['shape']>;

export interface PartSpec<Shape extends RowShape> {
  readonly what: string;
  /** Without this right it is not even tried. */
  readonly needs?: Sees['privilege'];
  readonly row: Shape;
  readonly sql: Variants;
}

/** `sql` varies by the version of the server only. */
export function definePart<const Shape extends RowShape>(spec: PartSpec<Shape>): Part<Shape> {
  const variants: (readonly [string, Statement])[] = spec.sql.entries.map(([since, query]) => [since, compile(query)]);
  const compiled = compileShape(spec.row);
  const disclosure = disclosureOf(spec.row);
  return {
    what: spec.what,
    needs: spec.needs,
    shape: z.object(spec.row),
    statements: describeStatements(spec.sql),
    async read(session, values) {
      const statement = pickVariant(variants, String(session.facts.major));
      if (!statement)
        throw new PlatformError('UNSUPPORTED', `PostgreSQL ${session.facts.version} has no ${spec.what}.`);
      const rows = decodeRows(await session.query(statement, values), compiled);
      scrubTexts(rows, disclosure);
      return rows as Row<Shape>[];
    },
  };
}

type Parts = Readonly<Record<string, Part>>;

export interface ReadParts<Named extends Parts> {
  readonly facts: ConnectionFacts;
  /** The rows of each part; none of a part that could not be read. */
  readonly parts: { readonly [K in keyof Named]: readonly RowOf<Named[K]>[] };
  readonly unreadable: readonly NotExamined[];
}

export function statementsOf(parts: Parts): readonly ToolStatement[] {
  return Object.values(parts).flatMap(({ statements }) => statements);
}

/**
 * Reads several parts in one snapshot. A part that PostgreSQL refuses costs one line: the others are read again
 * without it, since a failure ends the transaction.
 */
export async function readParts<const Named extends Parts>(
  target: ReachedDatabase,
  named: Named,
  values: Values,
): Promise<ReadParts<Named>> {
  const unreadable = new Map<string, NotExamined>();
  for (;;) {
    // each round but the last adds to `unreadable`
    const read = await readOnce(target, { named, values, unreadable });
    if (read) return { ...read, unreadable: [...unreadable.values()] } as ReadParts<Named>;
  }
}

async function readOnce(
  target: ReachedDatabase,
  { named, values, unreadable }: { named: Parts; values: Values; unreadable: Map<string, NotExamined> },
): Promise<{ facts: ConnectionFacts; parts: Record<string, readonly unknown[]> } | undefined> {
  let current = '';
  try {
    return await target.readOnly(
      async (session) => {
        const parts: Record<string, readonly unknown[]> = {};
        for (const [key, part] of Object.entries(named)) {
          current = key;
          const [hidden] =
            part.needs === undefined
              ? []
              : hiddenFrom(session.facts.role, [{ what: part.what, privilege: part.needs }]);
          if (hidden) unreadable.set(key, hidden);
          parts[key] = unreadable.has(key) ? [] : await part.read(session, values);
        }
        current = '';
        return { facts: session.facts, parts };
      },
      { snapshot: true },
    );
  } catch (error) {
    const part = named[current];
    if (!part || !(error instanceof PlatformError) || error.code !== 'QUERY_FAILED') throw error;
    unreadable.set(current, {
      what: part.what,
      reason: error.message,
      ...(error.hint !== undefined && { remedy: error.hint }),
    });
    return undefined;
  }
}
