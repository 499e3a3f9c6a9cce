/** Statements of a caller from whom something is hidden: judged, rewritten and run for real, as far as masks go. */
import pg from 'pg';
import { createMaskKeys } from '../src/calls/mask-key.ts';
import { PersonaSpec } from '../src/contract/persona.ts';
import type { PlatformError } from '../src/core/errors.ts';
import type { DataAccess } from '../src/guard/access.ts';
import { createGuard } from '../src/guard/create-guard.ts';
import { explainedText } from './explained-text.ts';
import type { Approved, Verdict } from '../src/guard/guard.ts';
import { MASK_KEY } from '../src/guard/mask-expression.ts';
import { withholdError } from '../src/guard/withheld-error.ts';
import { withholdPlan } from '../src/guard/withheld-plan.ts';
import { compilePersonas } from '../src/policy/compile.ts';
import { dataAccessOf } from '../src/policy/data-access.ts';
import { toCallerError } from '../src/postgres/errors.ts';
import { createPermits, openPool } from '../src/postgres/pool.ts';
import { openStatementTexts } from '../src/sqltext/statement-texts.ts';
import { inSession, targetOf } from './session-kit.ts';

export const MASK_KEY_OF_TESTS = createMaskKeys(undefined)('analyst', 'shop');

/** What the caller gets. */
export interface Heard {
  readonly verdict: 'allow' | 'deny';
  readonly rule?: string;
  readonly rows?: readonly (readonly (string | null)[])[];
  readonly columns?: readonly string[];
  readonly plan?: unknown;
  readonly error?: ReturnType<PlatformError['toJSON']>;
}

export interface Caller {
  readonly access: DataAccess;
  judge(sql: string): Promise<Verdict>;
  /** As `query` and `explain_query` would answer. */
  ask(sql: string): Promise<Heard>;
  close(): Promise<void>;
}

export interface CallerOptions {
  readonly url: string;
  /** The key `data` of the persona. */
  readonly data: unknown;
  readonly path: readonly string[];
}

export function accessOf(data: unknown): DataAccess {
  const personas = compilePersonas({ analyst: PersonaSpec.parse({ data }) }).personas();
  const persona = personas.find(({ name }) => name === 'analyst');
  if (persona === undefined) throw new Error('no persona');
  return dataAccessOf(persona);
}

export async function openCaller({ url, data, path }: CallerOptions): Promise<Caller> {
  const access = accessOf(data);
  const texts = openStatementTexts({ textMs: 5000 });
  const guard = createGuard(texts);
  const pool = openPool(targetOf(url), { permits: createPermits(1) });
  const client = new pg.Client(url);
  await client.connect();

  const judge: Caller['judge'] = (sql) =>
    inSession(pool, (session) => guard.check({ sql, access, catalog: { session, path, key: url } }));

  return {
    access,
    judge,
    async ask(sql) {
      const verdict = await judge(sql);
      if (verdict.verdict === 'deny') return { verdict: 'deny', rule: verdict.rule };
      try {
        return { verdict: 'allow', ...(await run(client, verdict, { path, access })) };
      } catch (error) {
        const told = withholdError(toCallerError(error), {
          written: sql,
          edits: verdict.edits ?? [],
          offset: verdict.kind === 'select' ? WRAPPER.length : 0,
        });
        return { verdict: 'allow', error: told.toJSON() };
      } finally {
        await client.query('rollback');
      }
    },
    async close() {
      await Promise.all([client.end(), pool.close(), texts.close()]);
    },
  };
}

const WRAPPER = 'SELECT * FROM (';

async function run(
  client: pg.Client,
  approved: Approved,
  { path, access }: { readonly path: readonly string[]; readonly access: DataAccess },
): Promise<Pick<Heard, 'rows' | 'columns' | 'plan'>> {
  await client.query('begin read only');
  await client.query(`select set_config('search_path', $1, true), set_config('TimeZone', 'UTC', true)`, [
    path.map((schema) => `"${schema}"`).join(','),
  ]);
  if (approved.wantsMaskKey) await client.query(`select set_config($1, $2, true)`, [MASK_KEY, MASK_KEY_OF_TESTS]);
  if (approved.kind === 'explain') {
    const options = approved.analyzes ? 'FORMAT JSON, ANALYZE, VERBOSE' : 'FORMAT JSON, VERBOSE';
    const { rows } = await client.query<{ 'QUERY PLAN': unknown }>(
      `EXPLAIN (${options}) ${explainedText(approved.text) ?? ''}`,
    );
    return { plan: withholdPlan(rows[0]?.['QUERY PLAN'], approved, access) };
  }
  const text = approved.kind === 'select' ? `${WRAPPER}${approved.text}\n) q LIMIT 1001` : approved.text;
  const types = { getTypeParser: () => (value: string) => value } as unknown as pg.CustomTypesConfig;
  const { rows, fields } = await client.query<(string | null)[]>({ text, rowMode: 'array', types });
  const leaking = fields.find(({ tableID, columnID }) => approved.maskedColumns.has(`${tableID}.${columnID}`));
  if (leaking !== undefined) throw new Error(`${leaking.name} comes from a hidden column: ${text}`);
  return { rows, columns: fields.map(({ name }) => name) };
}
