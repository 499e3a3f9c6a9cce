/** One client of an MCP server over real streams, with the real pipeline, its audit log in a directory of its own. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach } from 'vitest';
import { z } from 'zod';
import { openAuditFile } from '../src/audit/file.ts';
import { createCatalog, type Catalog } from '../src/calls/catalog.ts';
import { createDialogues } from '../src/calls/dialogue.ts';
import type { CallDeps } from '../src/calls/execute.ts';
import type { Operation } from '../src/calls/operation.ts';
import { createProcessLimits } from '../src/calls/process-limits.ts';
import { createRunningCalls } from '../src/calls/running.ts';
import type { AuditEvent } from '../src/contract/audit-event.ts';
import { PersonaSpec } from '../src/contract/persona.ts';
import { PlatformError } from '../src/core/errors.ts';
import { openFleet } from '../src/fleet/open-fleet.ts';
import { localPrincipal } from '../src/identity/local-principal.ts';
import { createMethods } from '../src/mcp/methods/all-methods.ts';
import { createDiagnose } from '../src/tools/diagnose.ts';
import { allPrompts } from '../src/mcp/prompts/all-prompts.ts';
import { allResources } from '../src/mcp/resources/all-resources.ts';
import { serveStdioSession, type StdioSession } from '../src/mcp/stdio.ts';
import { compilePersonas } from '../src/policy/compile.ts';
import { parseTarget } from '../src/postgres/target.ts';
import { openStatementTexts } from '../src/sqltext/statement-texts.ts';
import { createLogger } from '../src/telemetry/logger.ts';

/** A tool that needs no PostgreSQL. */
export const operation = (name: string, run: Operation['run'], more: Partial<Operation> = {}): Operation => ({
  kind: 'tool',
  name,
  area: 'server',
  accessClass: 'diagnostic',
  title: name,
  description: `Does ${name}.`,
  input: z.strictObject({ text: z.string().optional() }),
  output: z.object({}),
  reaches: 'nothing',
  alsoKnownAs: {},
  run,
  ...more,
});

/** Two servers that nobody is at. */
const fleet = openFleet(
  ['billing', 'shop'].map((name) => ({
    name,
    target: parseTarget(`postgresql://monitor@127.0.0.1:1/${name}`, { env: {} }),
    databases: ['*'],
    connections: 1,
  })),
  'shop',
);

/** The tools that the prompts name, and that do nothing here. */
const RUNBOOK_TOOLS = new Set(allPrompts.flatMap(({ tools }) => tools).filter((name) => name !== 'describe_table'));

/** Sends a log message of each level. */
const talk: Operation['run'] = (context) => {
  for (const level of ['debug', 'info', 'notice', 'warning', 'error'] as const) context.log(level, `a ${level}`);
  return Promise.resolve({});
};

/** A catalogue with a tool that sends log messages, and one that does not declare that it does. */
export function withLogging({ operations }: Catalog): Catalog {
  return createCatalog([...operations, operation('talk', talk, { logs: true }), operation('mumble', talk)]);
}

/** The same with the compact surface: `diagnose` in lists, in the place of every diagnostic. */
export function withDiagnose({ operations }: Catalog): Catalog {
  const served: Catalog = createCatalog([
    ...operations.filter(({ kind }) => kind !== 'method'),
    createDiagnose(),
    ...createMethods({ catalog: () => served, fleet, prompts: [], resources: [], surface: 'compact' }),
  ]);
  return served;
}

/** Tools that need no PostgreSQL, and all methods of the protocol. */
export const catalog: Catalog = createCatalog([
  operation('echo', ({ input }) => Promise.resolve({ findings: [], text: input['text'] })),
  operation('wait', ({ deadline: { signal } }) => {
    return new Promise((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error));
    });
  }),
  operation('missing', () =>
    Promise.reject(new PlatformError('NOT_FOUND', 'No table is named "x".', { hint: 'Look.' })),
  ),
  operation('steps', (context) => {
    for (const done of [1, 2, 2, 1, 3]) context.progress(`step ${done}`, done, 3);
    return Promise.resolve({ done: true });
  }),
  ...[...RUNBOOK_TOOLS].map((name) => operation(name, () => Promise.resolve({}))),
  operation('describe_table', ({ input }) => Promise.resolve({ ...input }), { accessClass: 'schema' }),
  operation('audit_tail', () => Promise.resolve({}), { kind: 'admin', accessClass: 'admin' }),
  ...createMethods({ catalog: () => catalog, fleet, prompts: allPrompts, resources: allResources(() => catalog) }),
]);

export interface Message {
  readonly id?: number | string | null;
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: {
    readonly code: number;
    readonly message: string;
    readonly data?: Readonly<Record<string, unknown>>;
  };
}

/** What every request of the modern era carries. */
export const ENVELOPE = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
  'io.modelcontextprotocol/clientInfo': { name: 'modern test', version: '2' },
};

export interface McpSession {
  readonly stdin: PassThrough;
  readonly stdout: PassThrough;
  readonly session: StdioSession;
  /** In the order in which they came. */
  readonly received: readonly Message[];
  /** Lines of the log from `warn` on. */
  readonly log: readonly string[];
  /** Each on a line of its own; a string as it is. */
  send(...messages: readonly unknown[]): void;
  answerTo(id: number | string | null): Promise<Message>;
  readonly ask: (method: string, params?: object) => Promise<Message>;
  readonly askModern: (method: string, params?: object) => Promise<Message>;
  initialize(protocolVersion?: string): Promise<Message>;
  /** What is on disk. */
  events(): AuditEvent[];
  /** The end of the call that an answer names. */
  recordOf(answer: Message): AuditEvent | undefined;
}

interface Persona {
  /** `schemas` may call the class schema on `shop`, `echo` may call `echo`, `nobody` is no persona. */
  readonly persona?: string;
  readonly stdout?: PassThrough;
  /** In place of the catalogue above. */
  readonly served?: Catalog;
}

/** What every call stands on, with its audit log in a directory of its own. */
export interface Pipeline {
  readonly deps: CallDeps;
  readonly directory: string;
  /** Lines of the log from `warn` on. */
  readonly log: readonly string[];
}

/** Registers hooks that make the pipeline anew for each test. */
export function usePipeline(): () => Pipeline {
  let pipeline: Pipeline;
  beforeEach(async () => {
    const directory = mkdtempSync(join(tmpdir(), 'howdah-mcp-'));
    const log: string[] = [];
    const deps = {
      fleet,
      policy: compilePersonas({
        schemas: PersonaSpec.parse({ tools: { allow: ['class:schema'] }, servers: { allow: ['shop'] } }),
        echo: PersonaSpec.parse({ tools: { allow: ['echo'] } }),
      }),
      limits: createProcessLimits(),
      running: createRunningCalls(),
      dialogues: createDialogues(),
      audit: await openAuditFile({ directory, version: '0' }),
      statementTexts: openStatementTexts(),
      logger: createLogger('warn', { isTerminal: false, write: (line) => log.push(line) }),
    };
    pipeline = { deps, directory, log };
  });
  afterEach(async () => {
    await pipeline.deps.audit.close();
    await pipeline.deps.statementTexts.close();
    rmSync(pipeline.directory, { recursive: true, force: true });
  });
  return () => pipeline;
}

/** What opens a session on a pipeline that is made anew for each test. */
export function useMcpSession(): (options?: Persona) => McpSession {
  const pipeline = usePipeline();
  let opened: McpSession | undefined;
  afterEach(() => opened?.session.close());
  return ({ persona = 'dba', stdout = new PassThrough(), served = catalog } = {}) => {
    opened = openSession({ ...pipeline(), persona, stdout, served });
    return opened;
  };
}

/** The events that are on disk. */
export function readEvents(directory: string): AuditEvent[] {
  return readdirSync(directory)
    .flatMap((file) => readFileSync(join(directory, file), 'utf8').split('\n'))
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as AuditEvent);
}

/** The end of the call that an answer names. */
export function recordOf({ result, error }: Message, directory: string): AuditEvent | undefined {
  const meta = (result?.['_meta'] ?? error?.data) as Record<string, unknown> | undefined;
  return readEvents(directory).findLast(
    ({ call_id, kind }) => call_id === meta?.['howdah/call_id'] && kind === 'ended',
  );
}

interface SessionParts extends Required<Persona>, Pipeline {}

function openSession({ directory, deps, persona, stdout, log, served }: SessionParts): McpSession {
  const stdin = new PassThrough();
  const received: Message[] = [];
  let rest = '';
  stdout.on('data', (chunk: Buffer) => {
    const lines = (rest + chunk.toString()).split('\n');
    rest = lines.pop() ?? '';
    received.push(...lines.map((line) => JSON.parse(line) as Message));
  });
  const principal = localPrincipal(persona, 'ada');
  const session = serveStdioSession({ catalog: served, deps, principal, version: '1.2.3', stdin, stdout });
  let lastId = 100;

  const send = (...messages: readonly unknown[]) => {
    for (const message of messages) stdin.write(`${typeof message === 'string' ? message : JSON.stringify(message)}\n`);
  };
  const answerTo = (id: number | string | null) => until(() => received.find((message) => message.id === id));
  const ask = (method: string, params: object = {}) => {
    const id = (lastId += 1);
    send({ jsonrpc: '2.0', id, method, params });
    return answerTo(id);
  };
  return {
    stdin,
    stdout,
    session,
    received,
    log,
    send,
    answerTo,
    ask,
    askModern: (method, params = {}) => ask(method, { ...params, _meta: ENVELOPE }),
    initialize: (protocolVersion = '2025-11-25') =>
      ask('initialize', { protocolVersion, capabilities: {}, clientInfo: { name: 'legacy test', version: '1' } }),
    events: () => readEvents(directory),
    recordOf: (answer) => recordOf(answer, directory),
  };
}

export async function until<T>(what: () => T | undefined, ms = 5000): Promise<T> {
  for (const end = performance.now() + ms; performance.now() < end; await sleep(5)) {
    const found = what();
    if (found !== undefined) return found;
  }
  throw new Error(`it did not come within ${ms} ms: ${what.toString()}`);
}
