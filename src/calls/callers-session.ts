import { z } from 'zod';
import { PlatformError } from '../core/errors.ts';
import { clusterOf } from '../fleet/cluster-identity.ts';
import type { Approved } from '../guard/guard.ts';
import { withholdPlan } from '../guard/withheld-plan.ts';
import type { Field, ForeignResult, ForeignSession } from '../postgres/database.ts';
import { compileShape, decodeRows } from '../postgres/exact-values.ts';
import { compile, param, sql } from '../postgres/sql.ts';
import { nameOfType } from '../postgres/type-names.ts';
import type { CompiledPersona } from '../policy/policy.ts';
import { dataAccessOf } from '../policy/data-access.ts';
import { explainFailure } from './callers-errors.ts';
import type {
  CallersResult,
  CallersSession,
  ExplainOptions,
  ResultColumn,
  RunOptions,
  TypedParameter,
} from './callers-sql.ts';
import {
  bindParameters,
  boundRows,
  DEALLOCATE_GENERIC,
  executedGeneric,
  explained,
  preparedGeneric,
  type Wrapped,
} from './callers-statement.ts';
import { createHypotheticalIndexes } from './hypothetical-indexes.ts';
import { requireCheapPlan } from './plan-cost.ts';

/** Under what a statement was judged. */
export interface Admitted {
  readonly written: string;
  readonly path: readonly string[];
  readonly cluster: string;
}

export interface CallersSessionParts {
  readonly admitted: WeakMap<Approved, Admitted>;
  /** Of the session, as `cluster`. */
  readonly path: readonly string[];
  readonly cluster: string;
  readonly persona: CompiledPersona;
  /** Hears of a statement that failed. */
  readonly onFailure: (approved: Approved) => void;
  readonly maskKey: () => string | undefined;
}

/** The setting that masks read their key from. */
const MASK_KEY = 'howdah.mask_key';
/** A row is never longer, whatever the persona allows: it is built in memory several times over. */
const MOST_BYTES = 16 * 2 ** 20;
/** What our own statements answer with in the same exchange must fit. */
const LEAST_ROW_BYTES = 16_384;
/** Of a plan. */
const PLAN_BYTES = 4 * 2 ** 20;

type Sent = Wrapped & { readonly parameters: readonly TypedParameter[]; readonly bytes: number };

export function createCallersSession(session: ForeignSession, parts: CallersSessionParts): CallersSession {
  const { persona, admitted } = parts;
  const { limits, data } = persona;
  const hides = data !== undefined;

  /** Nothing runs but what was judged for this database system, login and path. */
  function requireAdmitted(approved: Approved): Admitted {
    const found = admitted.get(approved);
    if (found === undefined) throw new PlatformError('INTERNAL', 'The statement was not admitted.');
    const isSame = found.cluster === parts.cluster && found.path.join('\0') === parts.path.join('\0');
    if (isSame) return found;
    throw movedOn();
  }

  async function send(approved: Approved, { text, offset, parameters, bytes }: Sent): Promise<ForeignResult> {
    const { written } = requireAdmitted(approved);
    const settings = approved.wantsMaskKey ? { [MASK_KEY]: requireMaskKey(parts.maskKey()) } : {};
    const rowBytes = Math.max(LEAST_ROW_BYTES, bytes);
    const bound = bindParameters(parameters, approved.parameters);
    try {
      const result = await session.execute({ text, ...bound, settings, rowBytes, bytes });
      // a connection that had died has another in its place
      if ((await clusterOf(session)) !== parts.cluster) throw movedOn();
      return result;
    } catch (error) {
      const sent = { written, edits: approved.edits ?? [], offset };
      parts.onFailure(approved);
      throw explainFailure(error, { sent, hides });
    }
  }

  async function explain(approved: Approved, options: ExplainOptions): Promise<unknown> {
    const { text, offset } = explained(approved.text, options);
    const parameters = options.parameters ?? [];
    return parsePlan((await send(approved, { text, offset, parameters, bytes: PLAN_BYTES })).rows);
  }

  async function explainGeneric(approved: Approved, options: ExplainOptions): Promise<unknown> {
    const { written } = requireAdmitted(approved);
    if (!session.keepsState) throw needsSession('A plan for every value of the parameters');
    const maskKey = approved.wantsMaskKey ? { [MASK_KEY]: requireMaskKey(parts.maskKey()) } : {};
    const settings = { ...maskKey, plan_cache_mode: 'force_generic_plan' };
    const { text, offset } = preparedGeneric(approved.text, approved.parameters);
    const own = { values: [], types: [], rowBytes: PLAN_BYTES, bytes: PLAN_BYTES };
    try {
      await session.execute({ ...own, text, settings });
      if ((await clusterOf(session)) !== parts.cluster) throw movedOn();
      const plan = await session.execute({
        ...own,
        text: explained(executedGeneric(approved.parameters), options).text,
      });
      // what fails before is deallocated with all else that the session leaves
      await session.execute({ ...own, text: DEALLOCATE_GENERIC });
      return parsePlan(plan.rows);
    } catch (error) {
      parts.onFailure(approved);
      throw explainFailure(error, { sent: { written, edits: approved.edits ?? [], offset }, hides });
    }
  }

  async function requireCheap(approved: Approved, { text, offset }: Wrapped, parameters: readonly TypedParameter[]) {
    if (limits.planCost === Infinity) return;
    const plan = explained(text);
    const sent = { text: plan.text, offset: plan.offset + offset, parameters, bytes: PLAN_BYTES };
    requireCheapPlan(parsePlan((await send(approved, sent)).rows), limits.planCost, hides);
  }

  return {
    get facts() {
      return session.facts;
    },
    async run(approved, { parameters = [], rows }: RunOptions): Promise<CallersResult> {
      requireRunnable(approved, persona);
      const most = Math.min(rows, limits.rows);
      const wrapped = boundRows(approved, most + 1);
      if (approved.kind === 'select') await requireCheap(approved, wrapped, parameters);
      const bytes = Math.min(limits.bytes, MOST_BYTES);
      const result = await send(approved, { ...wrapped, parameters, bytes });
      requireUnmasked(approved, result.fields);
      return {
        columns: await describe(session, result),
        rows: result.rows.slice(0, most),
        truncated: result.isCut || result.rows.length > most,
      };
    },
    async explain(approved, options) {
      if (approved.kind !== 'select')
        throw new PlatformError('INVALID_INPUT', 'What is explained must be a query itself.');
      if (options.analyze === true) {
        await requireCheap(approved, { text: approved.text, offset: 0 }, options.parameters ?? []);
      }
      const isGeneric = options.generic === true && options.analyze !== true;
      const plan = await (isGeneric ? explainGeneric(approved, options) : explain(approved, options));
      return withholdPlan(plan, approved, dataAccessOf(persona));
    },
    hypothetical(schema) {
      if (!session.keepsState) throw needsSession('A hypothetical index');
      return createHypotheticalIndexes(session, schema, parts.path);
    },
  };
}

function movedOn(): PlatformError {
  return new PlatformError(
    'CONFLICT',
    'The server, or the search path of the login, has become another one since the statement was judged.',
    { hint: 'Call again: the statement is judged anew.' },
  );
}

function needsSession(what: string): PlatformError {
  return new PlatformError(
    'UNSUPPORTED',
    `${what} needs a session that stays, and this server is reached by a pooler of transactions.`,
    {
      hint: 'An administrator can give the login a connection past the pooler.',
    },
  );
}

/** What EXPLAIN prints may tell what the persona hides, and its cost is not known before. */
function requireRunnable({ kind, analyzes }: Approved, { data, limits }: CompiledPersona): void {
  const isTelling = kind === 'explain' && data !== undefined;
  const isUnbounded = kind === 'explain' && analyzes && limits.planCost !== Infinity;
  if (!isTelling && !isUnbounded) return;
  throw new PlatformError('SQL_REJECTED', 'EXPLAIN is not run as a query for your persona.', {
    hint: 'Call explain_query with the statement that is to be explained.',
    details: { rule: 'statement/explain' },
  });
}

function requireMaskKey(maskKey: string | undefined): string {
  if (maskKey !== undefined) return maskKey;
  throw new PlatformError('UNAVAILABLE', 'There is no key for the hashes of masked values.', {
    hint: 'An administrator can set secrets.key.',
  });
}

/** The masks are in the statement: that a masked column itself arrives would mean that one of them does not hold. */
function requireUnmasked({ maskedColumns }: Approved, fields: readonly Field[]): void {
  const leaking = fields.some(({ origin }) => origin !== undefined && maskedColumns.has(origin));
  if (!leaking) return;
  throw new PlatformError('SQL_REJECTED', 'A column of the result would be a masked column itself.', {
    hint: 'Name the columns that you need, from the table itself.',
    details: { rule: 'mask/origin' },
  });
}

function parsePlan(rows: readonly (readonly (string | null)[])[]): unknown {
  const text = rows[0]?.[0] ?? '';
  try {
    return JSON.parse(text);
  } catch {
    throw new PlatformError('QUERY_FAILED', 'The plan is too long, or no JSON.');
  }
}

const TYPES = compile(sql`
  select pg_catalog.format_type(t.type, t.modifier) as type
    from rows from (pg_catalog.unnest(${param('types')}::pg_catalog.oid[]),
                    pg_catalog.unnest(${param('modifiers')}::pg_catalog.int4[])) with ordinality t(type, modifier, place)
   order by t.place`);
const typesShape = compileShape({ type: z.string() });

/** Names of types do not change below the first OID that users' types have. */
const FIRST_OF_USERS = 16_384;
const known = new Map<string, string>();

function keyOf({ typeOid, typeModifier = -1 }: Field): string {
  return `${typeOid}.${typeModifier}`;
}

async function describe(session: ForeignSession, { fields, isCut }: ForeignResult): Promise<ResultColumn[]> {
  const unknown = fields.filter((field) => !known.has(keyOf(field)));
  // the transaction of what was cut is over: a type of users has no name then
  const names = unknown.length === 0 || isCut ? new Map<string, string>() : await readTypes(session, unknown);
  return fields.map((field) => {
    const key = keyOf(field);
    return {
      name: field.name,
      type: known.get(key) ?? names.get(key) ?? nameOfType(field.typeOid),
      typeOid: field.typeOid,
    };
  });
}

async function readTypes(session: ForeignSession, fields: readonly Field[]): Promise<Map<string, string>> {
  const types = fields.map(({ typeOid }) => typeOid);
  const modifiers = fields.map(({ typeModifier = -1 }) => typeModifier);
  const rows = decodeRows(await session.query(TYPES, { types, modifiers }), typesShape);
  const names = new Map<string, string>();
  for (const [i, field] of fields.entries()) {
    const type = rows[i]?.['type'];
    const name = typeof type === 'string' ? type : '';
    names.set(keyOf(field), name);
    if (field.typeOid < FIRST_OF_USERS && known.size < 1000) known.set(keyOf(field), name);
  }
  return names;
}
