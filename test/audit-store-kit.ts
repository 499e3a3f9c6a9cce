/** Calls that are on record in a store which is reached by way of a proxy. */
import { readdirSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { z } from 'zod';
import type { AuditLog, AuditRecord } from '../src/audit/event.ts';
import type { AuditStoreOptions } from '../src/audit/store-log.ts';
import { createCatalog } from '../src/calls/catalog.ts';
import { createDialogues } from '../src/calls/dialogue.ts';
import { executeCall, type CallDeps, type CallOutcome } from '../src/calls/execute.ts';
import type { Operation } from '../src/calls/operation.ts';
import { createProcessLimits } from '../src/calls/process-limits.ts';
import { createRunningCalls } from '../src/calls/running.ts';
import { PersonaSpec } from '../src/contract/persona.ts';
import { openFleet } from '../src/fleet/open-fleet.ts';
import { localPrincipal } from '../src/identity/local-principal.ts';
import { compilePersonas } from '../src/policy/compile.ts';
import { parseTarget } from '../src/postgres/target.ts';
import { openStatementTexts, type StatementTexts } from '../src/sqltext/statement-texts.ts';
import { createLogger } from '../src/telemetry/logger.ts';
import listDatabases from '../src/tools/server/list-databases.ts';
import { openStallingProxy, type StallingProxy } from './stalling-proxy.ts';
import { openAudit, useOwnStores, type OwnStores, type StoreDatabase, type Stores } from './store-kit.ts';

export interface ProxiedStores {
  readonly stores: OwnStores;
  /** Between Howdah and its store; a new one for each test. */
  readonly proxy: StallingProxy;
  /** How often the operation `change` has run. */
  readonly changes: number;
  /** A log whose store is reached by way of the proxy. */
  readonly open: (more?: Partial<AuditStoreOptions>) => Promise<OpenedLog>;
  /** Calls `numbers`, which reads, `look`, which may reveal rows, or `change`. */
  readonly call: (audit: AuditLog, name: string, input?: object) => Promise<CallOutcome>;
}

interface OpenedLog {
  readonly database: StoreDatabase;
  readonly audit: AuditLog;
  readonly warnings: readonly string[];
}

export function useProxiedStores(): ProxiedStores {
  const stores = useOwnStores({ log_min_duration_statement: '0', log_line_prefix: '%a> ' });
  let statementTexts: StatementTexts;
  beforeAll(() => {
    statementTexts = openStatementTexts();
  });
  afterAll(() => statementTexts.close());
  let proxy: StallingProxy;
  let fleet: CallDeps['fleet'];
  beforeEach(async () => {
    proxy = await openStallingProxy(stores.server.url);
    const target = parseTarget(stores.server.url, { env: {} });
    fleet = openFleet([{ name: 'shop', target, databases: ['*'], connections: 4 }], undefined);
  });
  afterEach(async () => {
    await fleet.close();
    proxy.resume();
    proxy.close();
  });
  return {
    stores,
    get proxy() {
      return proxy;
    },
    get changes() {
      return changes;
    },
    open: (more) => openThrough(stores, proxy, more),
    call: (audit, name, input = {}) => call({ audit, fleet, statementTexts }, name, input),
  };
}

async function openThrough(
  stores: Stores,
  proxy: StallingProxy,
  more: Partial<AuditStoreOptions> = {},
): Promise<OpenedLog> {
  const database = await stores.make();
  const through = Object.assign(new URL(database.url), { host: new URL(proxy.url).host });
  const store = await stores.open(database, { store: { url: through.href } });
  const warnings: string[] = [];
  const audit = await openAudit(store, database, { warn: (message) => warnings.push(message), ...more });
  return { database, audit, warnings };
}

export const ended = (callId: string, more: Partial<AuditRecord> = {}): AuditRecord => ({
  kind: 'ended',
  call_id: callId,
  operation: 'list_tables',
  outcome: 'OK',
  principal_subject: 'ada',
  ...more,
});

export const spoolsOf = ({ stateDir }: StoreDatabase): string[] =>
  readdirSync(stateDir, { recursive: true, encoding: 'utf8' }).filter((name) => name.startsWith('spool/'));

const rows = Array.from({ length: 300 }, (_, n) => ({ n }));
const PLAIN: Operation = {
  kind: 'tool',
  name: 'numbers',
  area: 'server',
  accessClass: 'diagnostic',
  title: 'Numbers',
  description: 'Numbers',
  input: z.strictObject({ page: z.int().default(0) }),
  output: z.object({}),
  reaches: 'nothing',
  alsoKnownAs: {},
  run: ({ input }) => {
    const from = Number(input['page']) * 100;
    return Promise.resolve({ rows: rows.slice(from, from + 100), truncated: false });
  },
};
let changes = 0;
const catalog = createCatalog([
  PLAIN,
  { ...listDatabases, name: 'look', accessClass: 'query', alsoKnownAs: {} },
  { ...PLAIN, name: 'change', accessClass: 'admin', run: () => Promise.resolve({ changes: ++changes }) },
]);

function call(
  deps: Pick<CallDeps, 'audit' | 'fleet' | 'statementTexts'>,
  name: string,
  input: object,
): Promise<CallOutcome> {
  return executeCall(
    {
      catalog,
      name,
      arguments: input,
      principal: localPrincipal('all', 'ada'),
      origin: { transport: 'cli' },
      signal: new AbortController().signal,
    },
    {
      ...deps,
      policy: compilePersonas({ all: PersonaSpec.parse({ tools: { allow: ['*'] } }) }),
      limits: createProcessLimits(() => 0),
      running: createRunningCalls(),
      dialogues: createDialogues(),
      logger: createLogger('error', { isTerminal: false, write: () => {} }),
    },
  );
}
