import { z } from 'zod';
import type { ReachedDatabase } from '../../calls/context.ts';
import { PlatformError } from '../../core/errors.ts';
import { defineTool, limitInput, readParts, schemaInput, statementsOf, type RowOf } from '../kit/index.ts';
import { candidates, names } from '../tables/find-relation.ts';
import { effectiveRights } from './effective-rights.ts';
import { grantSummary } from './grant-summary.ts';
import {
  findFunctions,
  findGrantedRelation,
  findSchema,
  functionsOfName,
  schemasOfName,
  sequencesOfName,
} from './granted-object.ts';
import { databaseGrants, functionGrants, relationGrants, schemaGrants } from './object-grants.ts';
import { pageOf } from './page.ts';

const GRANTS = { relation: relationGrants, schema: schemaGrants, function: functionGrants, database: databaseGrants };
type Kind = keyof typeof GRANTS;

const KINDS = ['relation', 'schema', 'function', 'database'] as const satisfies readonly Kind[];
const nameOf = z.string().min(1).max(300).optional();

export default defineTool({
  name: 'privileges',
  area: 'security',
  title: 'Privileges',
  description: 'Who may do what on a table, sequence, function, schema or database, and through which role.',
  input: {
    table: nameOf,
    function: nameOf,
    schema: schemaInput,
    role: z.string().min(1).max(63).optional(),
    limit: limitInput(),
  },
  judges: false,
  output: {
    kind: z.enum(KINDS).describe('What is asked for; the database itself, where nothing is named.'),
    role: effectiveRights.shape.nullable().describe('Of the role asked for.'),
    rows: z
      .array(relationGrants.shape.omit({ total_rows: true }))
      .describe('Superusers may do all of it, and are not listed.'),
    truncated: z.boolean(),
    total: z.int().min(0),
    summary: z
      .array(grantSummary.shape.omit({ total_rows: true }))
      .describe(
        'Where nothing is named: rights in the whole database, counted; system schemas and extensions left out.',
      ),
  },
  statements: statementsOf({
    candidates,
    names,
    sequencesOfName,
    functionsOfName,
    schemasOfName,
    ...GRANTS,
    effectiveRights,
    grantSummary,
  }),
  async run({ limit, role, ...asked }, target) {
    const { kind, oids } = await find(target, asked);
    const values = { oids, kind, role: role ?? null, limit };
    const parts = { grants: GRANTS[kind], effectiveRights };
    const summary = kind === 'database' ? { grantSummary } : {};
    const read = await readParts(target, { ...parts, ...summary }, values);
    const [rights] = read.parts.effectiveRights;
    if (role !== undefined && !rights && read.unreadable.length === 0) throw noSuchRole(role);
    return {
      kind,
      role: rights ?? null,
      ...pageOf(read.parts.grants, limit),
      summary: pageOf((read.parts.grantSummary ?? []) as readonly RowOf<typeof grantSummary>[], limit).rows,
      facts: read.facts,
      findings: [],
      not_examined: [...read.unreadable],
    };
  },
});

interface Asked {
  readonly table?: string | undefined;
  readonly function?: string | undefined;
  readonly schema?: string | undefined;
}

async function find(
  target: ReachedDatabase,
  { table, schema, ...asked }: Asked,
): Promise<{ kind: Kind; oids: number[] }> {
  if (table !== undefined && asked.function !== undefined) {
    throw new PlatformError('INVALID_INPUT', 'A table and a function are named.', { hint: 'Ask for one of them.' });
  }
  if (table !== undefined) return { kind: 'relation', oids: await findGrantedRelation(target, table, schema) };
  if (asked.function !== undefined)
    return { kind: 'function', oids: await findFunctions(target, asked.function, schema) };
  if (schema !== undefined) return { kind: 'schema', oids: await findSchema(target, schema) };
  return { kind: 'database', oids: [] };
}

function noSuchRole(role: string): PlatformError {
  return new PlatformError('NOT_FOUND', `The server has no role ${JSON.stringify(role)}.`, {
    hint: 'Names are exact, in upper and lower case; roles lists them.',
  });
}
