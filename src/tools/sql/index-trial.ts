import { z } from 'zod';
import type { CallersSession } from '../../calls/callers-sql.ts';
import type { ReachedDatabase } from '../../calls/context.ts';
import { PlatformError } from '../../core/errors.ts';
import type { StatementTexts } from '../../sqltext/statement-texts.ts';
import { columnsOf, definitionOf, type Candidate } from '../indexes/advice/candidate.ts';
import { isProvable } from '../indexes/advice/hypothetical-costs.ts';
import { readKnownTables, type KnownTables } from '../indexes/advice/known-tables.ts';
import { readDefinition } from '../indexes/advice/read-definition.ts';
import {
  byServerVersion,
  compareVersions,
  definePart,
  param,
  quoteIdentifier,
  quoteName,
  readParts,
  sql,
  type RowOf,
} from '../kit/index.ts';

/** Indexes that a plan is to be made with, or without. */
export interface Trial {
  readonly begin: (session: CallersSession) => Promise<void>;
}

export const NO_TRIAL: Trial = { begin: () => Promise.resolve() };

/** HypoPG hides indexes since this version. */
const HIDES_SINCE = '1.4';

export const hiddenIndexes = definePart({
  what: 'indexes that are to be hidden',
  looksUp: true,
  row: {
    schema: z.string().meta({ names: 'schema' }),
    table: z.string().meta({ names: 'table' }),
    index: z.string().meta({ names: 'index' }),
    oid: z.string(),
  },
  sql: byServerVersion({
    12: sql`
      select n.nspname as schema, t.relname as table, c.relname as index, c.oid::text as oid
        from pg_catalog.pg_class c
        join pg_catalog.pg_namespace n on n.oid = c.relnamespace
        join pg_catalog.pg_index i on i.indexrelid = c.oid
        join pg_catalog.pg_class t on t.oid = i.indrelid
       where c.relname = any (${param('names')}::name[])
       order by n.nspname, c.relname`,
  }),
});

interface Wishes {
  readonly hypothetical_indexes?: readonly string[] | undefined;
  readonly hide_indexes?: readonly string[] | undefined;
}

interface Place {
  readonly target: ReachedDatabase;
  readonly texts: StatementTexts;
  readonly path: readonly string[];
}

/** Fails with UNSUPPORTED where the database lacks HypoPG, and with SQL_REJECTED for an index that may not be tried. */
export async function prepareTrial(
  { hypothetical_indexes = [], hide_indexes = [] }: Wishes,
  place: Place,
): Promise<Trial> {
  if (hypothetical_indexes.length + hide_indexes.length === 0) return NO_TRIAL;
  const { target, texts, path } = place;
  const trees = await Promise.all(hypothetical_indexes.map((text) => texts.parse(text)));
  const known = await readKnownTables(target, trees, texts);
  const schema = requireHypoPg(known, hide_indexes.length > 0);
  const candidates = trees.map((tree) => readDefinition(tree, known.lookup(path)));
  for (const candidate of candidates) await requireOpen(candidate, target);
  const hidden = await findIndexes(hide_indexes, place);
  return {
    async begin(session) {
      const indexes = session.hypothetical(schema);
      await indexes.change(
        [],
        candidates.map((candidate) => definitionOf(candidate)),
      );
      for (const { oid } of hidden) await indexes.hide(oid);
    },
  };
}

function requireHypoPg(known: KnownTables, hides: boolean): string {
  const hypopg = known.extension('hypopg');
  if (hypopg === undefined) {
    throw new PlatformError('UNSUPPORTED', 'Indexes are tried by the extension hypopg, which the database lacks.', {
      hint: 'CREATE EXTENSION hypopg; in that database, on the primary.',
      details: { extension: 'hypopg' },
    });
  }
  if (hides && compareVersions(hypopg.version, HIDES_SINCE) < 0) {
    throw new PlatformError(
      'UNSUPPORTED',
      `Hiding an index needs hypopg ${HIDES_SINCE} or newer, not ${hypopg.version}.`,
      {
        hint: 'duplicate_indexes and unused_indexes tell which indexes could go.',
        details: { extension: 'hypopg' },
      },
    );
  }
  return hypopg.schema;
}

/** Whoever may not read a column may not learn either how selective it is; the guard says who may. */
async function requireOpen(candidate: Candidate, { callers }: ReachedDatabase): Promise<void> {
  const { table } = candidate;
  if (!isProvable(candidate)) {
    throw new PlatformError('UNSUPPORTED', 'HypoPG knows no indexes of partitioned tables.', {
      hint: 'Name one of the partitions.',
    });
  }
  const columns = [...columnsOf(candidate)].map(quoteIdentifier).join(', ');
  const asked = `SELECT ${columns} FROM ${quoteName(table.schema, table.name)}`;
  const approved = await callers.admit(asked);
  if (approved.text === asked && approved.maskedColumns.size === 0) return;
  throw new PlatformError('SQL_REJECTED', 'That index cannot be tried. Your persona masks columns of its table.', {
    hint: 'Name columns of tables that your persona sees as they are.',
    details: { rule: 'index/masked' },
  });
}

/** `schema.index`, or a name that is looked up in the path. */
async function findIndexes(names: readonly string[], { target, path }: Place): Promise<RowOf<typeof hiddenIndexes>[]> {
  if (names.length === 0) return [];
  const wanted = names.map((name) => name.split('.').map((part) => part.replace(/^"(.*)"$/, '$1')));
  const { parts } = await readParts(target, { hiddenIndexes }, { names: wanted.map((each) => each.at(-1) ?? '') });
  return wanted.map((each) => {
    const [index, schema] = [each.at(-1), each.at(-2)];
    const called = parts.hiddenIndexes.filter((row) => row.index === index);
    const schemas = schema === undefined ? path : [schema];
    const found = schemas.flatMap((name) => called.filter((row) => row.schema === name))[0];
    if (found) return found;
    throw new PlatformError('NOT_FOUND', `There is no index ${JSON.stringify(each.join('.'))}.`, {
      hint: 'index_usage lists the indexes of a schema.',
    });
  });
}
