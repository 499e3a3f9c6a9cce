import type { AuditLog, AuditRecord } from '../../audit/event.ts';
import type { CallContext } from '../../calls/context.ts';
import type { Config } from '../../config/schema.ts';
import { createConfigError, type Problem } from '../../config/problem.ts';
import { PlatformError } from '../../core/errors.ts';
import { uuidv7 } from '../../core/ids.ts';
import type { Policy } from '../../policy/policy.ts';
import type { StoredRules } from '../../policy/stored-rules.ts';
import type { Step } from '../../postgres/wire.ts';
import { storeUnavailable, type StoreConnection } from '../../store/connection.ts';
import type { Store } from '../../store/open-store.ts';
import { settleRow } from '../../store/settled-row.ts';
import { noStore } from '../no-store.ts';

/** What is needed to change personas and grants in the store. */
export interface RuleEditor {
  readonly store: Pick<Store, 'exchange' | 'keys'>;
  readonly audit: Pick<AuditLog, 'record'>;
  /** The configuration in force. */
  readonly file: () => Config;
  /** Compiles these rules with the file. Fails with CONFIG_INVALID. */
  readonly check: (rules: StoredRules) => Policy;
  /** Puts in force in this process what the store has. */
  readonly refresh: () => Promise<void>;
  /** Whoever edits waits for the others, in this process and elsewhere: what was checked must be what is written. */
  readonly alone: <T>(work: () => Promise<T>) => Promise<T>;
}

/** An advisory lock of the store's database, on a session for this alone. */
export function createEditLock(connection: StoreConnection): RuleEditor['alone'] {
  let last: Promise<unknown> = Promise.resolve();
  const run = async <T>(work: () => Promise<T>): Promise<T> => {
    await connection.exchange([{ text: 'select pg_catalog.pg_advisory_lock(1213159238, 1)::text', values: [] }]);
    try {
      return await work();
    } finally {
      // a session that was lost has let go of it
      const text = 'select pg_catalog.pg_advisory_unlock(1213159238, 1)::text';
      await connection.exchange([{ text, values: [] }]).catch(() => undefined);
    }
  };
  return (work) => {
    const turn = last.then(() => run(work));
    last = turn.catch(() => undefined);
    return turn;
  };
}

/** Fails with UNSUPPORTED where only files are kept. */
export function requireEditor(editor: RuleEditor | undefined): RuleEditor {
  if (editor) return editor;
  throw noStore('personas are those of the configuration file, and are edited there');
}

export function authorOf({ principal: { issuer, subject } }: Pick<CallContext, 'principal'>): string {
  return `${issuer}:${subject}`;
}

interface Writing {
  readonly operation: string;
  readonly context: Pick<CallContext, 'principal' | 'persona' | 'callId'> | undefined;
  readonly table: string;
  /** The primary key as text. */
  readonly row: string;
  readonly details: Readonly<Record<string, unknown>>;
  readonly step: (eventId: string) => Step & { readonly digest: string };
}

/** A row that came much later than its event could come when that was withdrawn already. */
const LONGEST_EVENT_MS = 15_000;

/**
 * Writes a row and the event that it is bound to. The event is durable first: a row without one is taken for planted.
 * False, and a second event, if the row was not the next one any more. Where it fails, nobody knows what became of the
 * row: `settlingJob` finds out.
 */
export async function writeBound(
  { store, audit }: Pick<RuleEditor, 'store' | 'audit'>,
  { operation, context, table, row, details, step }: Writing,
): Promise<boolean> {
  const id = uuidv7();
  const { digest, ...statement } = step(id);
  const event: AuditRecord = { kind: 'persona', operation, ...(context && callerColumns(context)) };
  const began = performance.now();
  await audit.record({ ...event, id, outcome: 'OK', details: { table, row, digest, ...details } });
  if (performance.now() - began > LONGEST_EVENT_MS) throw storeUnavailable(new Error('the event was written too late'));
  const [written] = await store.exchange([statement]);
  if (written?.rows.length === 1) return true;
  await audit.record({
    ...event,
    outcome: 'CONFLICT',
    details: settleRow(store.keys, 'withdraws', { table, row }, id),
  });
  return false;
}

/** Nothing but another hand in the store keeps a new row out. */
export function notWritten(): PlatformError {
  return new PlatformError('CONFLICT', 'The store has not taken it over, though it said nothing against it.', {
    hint: 'Look for a trigger or a rule on the tables of the schema howdah that is not of Howdah.',
  });
}

function callerColumns({
  principal,
  persona,
  callId,
}: Pick<CallContext, 'principal' | 'persona' | 'callId'>): Partial<AuditRecord> {
  return {
    call_id: callId,
    principal_issuer: principal.issuer,
    principal_subject: principal.subject,
    principal_method: principal.method,
    principal_client: principal.client,
    principal_roles: [...principal.roles],
    persona: persona.name,
  };
}

/** The operations without which nothing could be put right again. */
const MENDING = ['persona_set', 'persona_revert'] as const;

/**
 * Fails with CONFIG_INVALID, whose source is what was to be written, for whatever is wrong with the rules and was not
 * before: what is broken must not keep anybody from putting it right step by step. Undefined where something still is.
 */
export function checkRules(
  { check }: RuleEditor,
  rules: StoredRules,
  { source, before }: { readonly source: string; readonly before: StoredRules },
): Policy | undefined {
  const known = problemsOf(() => check(before)).problems.map(({ path, message }) => `${path} ${message}`);
  const { policy, problems } = problemsOf(() => check(rules));
  const added = problems.filter(({ path, message }) => !known.includes(`${path} ${message}`));
  if (added.length > 0) throw createConfigError(source, problems);
  const admin = policy?.personas().find(({ name }) => name === 'admin');
  const lost = MENDING.find((name) => !admin?.operation({ name, area: 'persona', accessClass: 'admin' }).allowed);
  if (policy === undefined || lost === undefined) return policy;
  const message = `may not call ${lost} any more, and then nobody could put it right; allow "class:admin"`;
  throw createConfigError(source, [{ path: 'personas.admin.tools', message }]);
}

function problemsOf(compile: () => Policy): { readonly policy?: Policy; readonly problems: readonly Problem[] } {
  try {
    return { policy: compile(), problems: [] };
  } catch (error) {
    const problems = error instanceof PlatformError && error.code === 'CONFIG_INVALID' && error.details?.['problems'];
    if (Array.isArray(problems)) return { problems: problems as Problem[] };
    throw error;
  }
}
