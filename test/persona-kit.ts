/** The product's own catalogue behind the surfaces of MCP, for callers of any role; no server is there. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ProtocolError, type Result } from '@modelcontextprotocol/server';
import { createCatalog } from '../src/calls/catalog.ts';
import { executeCall, type CallDeps } from '../src/calls/execute.ts';
import type { Operation } from '../src/calls/operation.ts';
import { createProcessLimits } from '../src/calls/process-limits.ts';
import { Config } from '../src/config/schema.ts';
import type { AuditEvent } from '../src/contract/audit-event.ts';
import type { Principal } from '../src/contract/principal.ts';
import { createAnswerer } from '../src/mcp/answer.ts';
import { createPlatform, type Platform } from '../src/platform.ts';
import { createLogger } from '../src/telemetry/logger.ts';
import { readEvents } from './mcp-session.ts';

export interface Answer {
  readonly result: Result | undefined;
  /** `OK` or the code of the error. */
  readonly code: string;
  /** Of what came back, whole. */
  readonly text: string;
  /** How many a list says that it leaves out. */
  readonly withheld: unknown;
  /** The record of the call in the audit log. */
  readonly id: string;
}

export interface Governed {
  readonly platform: Platform;
  /** As a caller over HTTP with the one role, or as that principal. */
  readonly ask: (
    caller: string | Principal,
    method: string,
    params?: Readonly<Record<string, unknown>>,
  ) => Promise<Answer>;
  /** What is on record before it runs. */
  readonly begun: () => readonly AuditEvent[];
  /** The end of every call, by the id of its answer. */
  readonly records: () => ReadonlyMap<unknown, AuditEvent>;
  readonly close: () => Promise<void>;
}

/** With more operations, where they are given; the rate of calls is not bounded. */
export async function openGoverned(config: Config, more: readonly Operation[] = []): Promise<Governed> {
  const directory = mkdtempSync(join(tmpdir(), 'howdah-governed-'));
  const logger = createLogger('error', { isTerminal: false, write: () => {} });
  const platform = await createPlatform({ config, env: { HOWDAH_STATE: directory }, logger, version: '0' });
  let minutes = 0;
  const limits = createProcessLimits(() => (minutes += 60_000));
  const deps: CallDeps = { ...platform.deps, limits };
  const catalog = createCatalog([...platform.catalog.operations, ...more]);
  const answer = createAnswerer({ catalog, call: (request) => executeCall(request, deps) });
  let lastId = 0;
  return {
    platform,
    async ask(caller, method, params = {}) {
      const id = String((lastId += 1));
      const principal: Principal =
        typeof caller === 'string'
          ? { issuer: 'key', subject: caller, method: 'api_key', client: null, roles: [caller] }
          : caller;
      const origin = { transport: 'http', requestId: id } as const;
      const { signal } = new AbortController();
      try {
        const result = await answer({ era: 'modern', method, params, principal, origin, signal });
        const { _meta: meta } = result;
        return { result, code: codeOf(result), text: JSON.stringify(result), withheld: meta?.['howdah/withheld'], id };
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        const data = error.data as Readonly<Record<string, unknown>> | undefined;
        return {
          result: undefined,
          code: String(data?.['code']),
          text: JSON.stringify([error.message, data]),
          withheld: undefined,
          id,
        };
      }
    },
    begun: () =>
      (existsSync(platform.auditDirectory) ? readEvents(platform.auditDirectory) : []).filter(
        ({ kind }) => kind === 'begun',
      ),
    records() {
      const ended = readEvents(platform.auditDirectory).filter(({ kind }) => kind === 'ended');
      return new Map(ended.map((event) => [event.request_id, event]));
    },
    async close() {
      await platform.close();
      rmSync(directory, { recursive: true });
    },
  };
}

function codeOf(result: Result): string {
  if (result['isError'] !== true) return 'OK';
  const [content] = result['content'] as readonly { readonly text: string }[];
  return (JSON.parse(content?.text ?? '') as { error: { code: string } }).error.code;
}

/** With the servers `billing` and `shop`, at which nobody is; `shop` is the default. */
export function configOf(personas: Readonly<Record<string, unknown>>, more: object = {}): Config {
  const servers = Object.fromEntries(
    ['billing', 'shop'].map((name) => [name, { url: `postgresql://monitor@127.0.0.1:1/${name}` }]),
  );
  return Config.parse({ servers, default_server: 'shop', personas, ...more });
}
