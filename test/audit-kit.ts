/** An audit log in a store, and whoever would change it behind Howdah's back. */
import { join } from 'node:path';
import type { BoundTable } from '../src/audit/bound-tables.ts';
import { redraft, sealEvent, type Head } from '../src/audit/chain.ts';
import { createCheckpoints, type Checkpoints } from '../src/audit/checkpoints.ts';
import type { AuditLog, AuditRecord } from '../src/audit/event.ts';
import { readRow, selectColumns } from '../src/audit/store-rows.ts';
import { verifyStore, type StoreReport } from '../src/audit/store-verify.ts';
import type { AuditEvent } from '../src/contract/audit-event.ts';
import { canonicalJson } from '../src/core/canonical-json.ts';
import type { Store } from '../src/store/open-store.ts';
import { attack, openAudit, type StoreDatabase, type OwnStores } from './store-kit.ts';

export interface AuditBench {
  readonly database: StoreDatabase;
  readonly store: Store;
  /** Closed and opened again by whoever needs it. */
  audit: AuditLog;
  readonly checkpoints: Checkpoints;
  /** Of checkpoints outside the store. */
  readonly file: string;
  call(times: number): Promise<void>;
  verify(external?: string, boundTables?: readonly BoundTable[]): Promise<StoreReport>;
  /** As `attack`, in this database. */
  attack(...statements: readonly string[]): Promise<readonly (number | null)[]>;
  events(): Promise<AuditEvent[]>;
  /** Puts an event behind `previous`, as somebody would who knows how hashes are made. */
  insert(event: AuditEvent, previous: Head): Promise<Head>;
  /** Two chains, the first of them closed, with checkpoints between their events. */
  lively(): Promise<{ readonly first: string; readonly second: string }>;
}

export const CALL: AuditRecord = {
  kind: 'ended',
  call_id: '01a22dd9-7d50-7701-bfbe-3c51f61a0bec',
  principal_subject: 'ada',
  principal_roles: ['dba'],
  operation: 'list_tables',
  input: { name: 'orders', limit: 20, exact: 1.5 },
  sql_text: 'select $1',
  outcome: 'OK',
  decision: 'allow',
  rows: 3,
  duration_ms: 0.125,
  truncated: false,
};

export function quiet(): void {
  // nobody reads what it says
}

export async function makeBench(stores: OwnStores): Promise<AuditBench> {
  const database = await stores.make();
  const store = await stores.open(database);
  const file = join(database.stateDir, 'checkpoints.jsonl');
  const bench: AuditBench = {
    database,
    store,
    file,
    audit: await openAudit(store, database),
    checkpoints: createCheckpoints({ store, path: file, inform: quiet, warn: quiet }),
    async call(times) {
      for (let i = 0; i < times; i++) await bench.audit.record(CALL);
    },
    verify: (external, boundTables) =>
      verifyStore({
        store,
        checkpoints: external,
        ...(boundTables && { boundTables }),
      }),
    attack: (...statements) => attack(stores.server.url, database, ...statements),
    async events() {
      const text = `select ${selectColumns('e')} from howdah.audit_event e order by chain, sequence`;
      const [result] = await store.exchange([{ text, values: [] }]);
      return (result?.rows ?? []).map(readRow);
    },
    async insert(event, previous) {
      const { text, head } = insertion(event, previous);
      await bench.attack(text);
      return head;
    },
    lively: () => makeLively(bench),
  };
  return bench;
}

async function makeLively(bench: AuditBench): Promise<{ first: string; second: string }> {
  const { checkpoints, database, store } = bench;
  await bench.call(3);
  await checkpoints.take();
  await bench.call(2);
  await bench.audit.close();
  await checkpoints.take();
  bench.audit = await openAudit(store, database);
  await bench.call(4);
  await checkpoints.take();
  const [first = '', second = ''] = new Set((await bench.events()).map(({ chain }) => chain));
  return { first, second };
}

function insertion(event: AuditEvent, previous: Head): { text: string; head: Head } {
  const placed = { ...event, chain: previous.chain, sequence: previous.sequence + 1, previous_hash: previous.hash };
  const { head } = sealEvent(redraft(placed), previous);
  const names = (Object.keys(placed) as (keyof AuditEvent)[]).filter((name) => name !== 'hash');
  const values = names.map((name) => literal(name, placed[name]));
  const text = `insert into howdah.audit_event (${names.join(', ')}, hash) values (${values.join(', ')}, '${head.hash}')`;
  return { text, head };
}

function literal(name: keyof AuditEvent, value: unknown): string {
  if (value === null) return 'null';
  const isJson = name === 'input' || name === 'details' || typeof value !== 'object';
  const text = typeof value === 'string' ? value : isJson ? canonicalJson(value) : `{${(value as string[]).join(',')}}`;
  return `'${text.replaceAll("'", "''")}'`;
}

/** How a report says that it found this and nothing else. */
export const found = ({ ok, broken }: StoreReport) => ({
  ok,
  broken: broken.map(({ place, sequence, what }) => [place, sequence, what]),
});

export const whole = { ok: true, broken: [] };
