/** A Howdah whose callers run SQL of their own, with a guard that is told what to say. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { executeCall, type CallOutcome, type CallRequest } from '../src/calls/execute.ts';
import { Config } from '../src/config/schema.ts';
import type { PlatformError } from '../src/core/errors.ts';
import type { Approved, Guard, GuardRequest, Verdict } from '../src/guard/guard.ts';
import { localPrincipal } from '../src/identity/local-principal.ts';
import { createPlatform, type Platform } from '../src/platform.ts';
import { createLogger } from '../src/telemetry/logger.ts';
import { runAs } from './postgres/platform.ts';

/** Lets everything pass, as if it were a query, unless the text says otherwise: the layers below must hold alone. */
export function openGuard(change: Partial<Approved> | ((request: GuardRequest) => Verdict | undefined) = {}): Guard {
  return {
    check(request) {
      const own = typeof change === 'function' ? change(request) : undefined;
      return Promise.resolve(own ?? approve(request.sql, typeof change === 'function' ? {} : change));
    },
  };
}

export function approve(sql: string, change: Partial<Approved> = {}): Approved {
  const text = sql.trim().replace(/;\s*$/, '');
  const [first = ''] = text.toLowerCase().split(/[\s(]/, 1);
  return {
    verdict: 'allow',
    kind: first === 'explain' || first === 'show' ? first : 'select',
    analyzes: /^explain[\s(].*analyze/i.test(text),
    text,
    wantsMaskKey: false,
    relations: [],
    maskedColumns: new Set(),
    facts: undefined,
    parameters: Math.max(0, ...[...text.matchAll(/\$(\d+)/g)].map(([, n]) => Number(n))),
    ...change,
  };
}

/** A login that reads and does nothing else, as the documentation makes it. */
export async function makeReader(superuserUrl: string, ...grants: readonly string[]) {
  const user = `reader_${randomBytes(4).toString('hex')}`;
  const password = randomBytes(12).toString('hex');
  const database = new URL(superuserUrl).pathname.slice(1);
  await runAs(
    superuserUrl,
    `create role ${user} login password '${password}'`,
    `alter role ${user} set default_transaction_read_only = on`,
    `revoke temporary on database "${database}" from public`,
    'revoke create on schema public from public',
    ...grants.map((grant) => `${grant} to ${user}`),
  );
  return { user, password };
}

export type Reader = Awaited<ReturnType<typeof makeReader>>;

export interface CallersHowdah {
  readonly platform: Platform;
  call(tool: string, input?: Readonly<Record<string, unknown>>, request?: Partial<CallRequest>): Promise<CallOutcome>;
  close(): Promise<void>;
}

export interface CallersOptions {
  /** Of the monitoring login. */
  readonly url: string;
  readonly logins?: Readonly<Record<string, Reader>>;
  readonly guard?: Guard;
  readonly persona?: Readonly<Record<string, unknown>>;
  readonly server?: Readonly<Record<string, unknown>>;
  readonly more?: Readonly<Record<string, unknown>>;
}

/** The persona `asker` may call everything; it uses the login `reader` where there is one. */
export async function openCallersHowdah(options: CallersOptions): Promise<CallersHowdah> {
  const { url, logins = {}, guard = openGuard(), persona = {}, server = {}, more = {} } = options;
  const state = mkdtempSync(join(tmpdir(), 'howdah-callers-'));
  const login = 'reader' in logins ? { login: 'reader' } : {};
  const config = Config.parse({
    servers: { shop: { url, logins, ...server } },
    personas: { asker: { tools: { allow: ['*'] }, ...login, ...persona } },
    ...more,
  });
  const logger = createLogger('error', { isTerminal: false, write: () => {} });
  const platform = await createPlatform({ config, env: { HOWDAH_STATE: state }, logger, version: '0', guard });
  return {
    platform,
    call: (name, input = {}, request = {}) =>
      executeCall(
        {
          catalog: platform.catalog,
          name,
          arguments: input,
          principal: localPrincipal('asker', 'tester'),
          origin: { transport: 'http' },
          signal: new AbortController().signal,
          ...request,
        },
        platform.deps,
      ),
    async close() {
      await platform.close();
      rmSync(state, { recursive: true, force: true });
    },
  };
}

export function answerOf(outcome: CallOutcome): Readonly<Record<string, unknown>> {
  if (!outcome.ok) throw new Error(`${outcome.error.code} ${outcome.error.message}`, { cause: outcome.error.cause });
  return outcome.output;
}

export function errorOf(outcome: CallOutcome): PlatformError {
  if (outcome.ok) throw new Error(`it should have failed: ${JSON.stringify(outcome.output).slice(0, 500)}`);
  return outcome.error;
}
