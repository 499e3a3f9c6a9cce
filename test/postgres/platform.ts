import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll } from 'vitest';
import { z } from 'zod';
import { executeCall, type CallOutcome } from '../../src/calls/execute.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { Config } from '../../src/config/schema.ts';
import type { Finding, NotExamined } from '../../src/contract/finding.ts';
import { PersonaSpec } from '../../src/contract/persona.ts';
import { localPrincipal } from '../../src/identity/local-principal.ts';
import { createPlatform, type Platform } from '../../src/platform.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import type { Cluster, Server } from './clusters.ts';

/** What stands in most fields; those that hold lists or objects are compared, never computed with. */
type Cell = string | number | boolean | null;
export type Row = Readonly<Record<string, Cell>>;

/** What every answer about a server has; its other parts are checked against the declared shape before it is returned. */
export interface Answer {
  readonly findings: readonly Finding[];
  readonly not_examined?: readonly NotExamined[];
  readonly rows: readonly Row[];
  readonly truncated: boolean;
  readonly total: number;
  readonly [part: string]: unknown;
}

/** A Howdah in front of one server under one login, wired as the command line wires it. */
export interface Howdah {
  readonly platform: Platform;
  /** Fails when the call does, and when the answer is not what the tool declares. */
  call(tool: string, input?: Readonly<Record<string, unknown>>): Promise<Answer>;
  attempt(tool: string, input?: Readonly<Record<string, unknown>>): Promise<CallOutcome>;
  close(): Promise<void>;
}

export async function openHowdah(
  url: string,
  persona = 'dba',
  change: (config: Config) => Config = (config) => config,
): Promise<Howdah> {
  const state = mkdtempSync(join(tmpdir(), 'howdah-state-'));
  const { config } = await loadConfig({ url, env: {} });
  const logger = createLogger('error', { isTerminal: false, write: () => {} });
  const platform = await createPlatform({ config: change(config), env: { HOWDAH_STATE: state }, logger, version: '0' });
  const attempt: Howdah['attempt'] = (name, input = {}) =>
    executeCall(
      {
        catalog: platform.catalog,
        name,
        arguments: input,
        principal: localPrincipal(persona, 'tester'),
        origin: { transport: 'cli' },
        signal: new AbortController().signal,
      },
      platform.deps,
    );
  return {
    platform,
    attempt,
    call: async (tool, input) => {
      const outcome = await attempt(tool, input);
      if (!outcome.ok)
        throw new Error(`${outcome.error.code} ${outcome.error.message} ${outcome.error.hint ?? ''}`, {
          cause: outcome.error.cause,
        });
      expectDeclared(outcome.operation.output, outcome.output);
      return outcome.output as Answer;
    },
    close: async () => {
      await platform.close();
      rmSync(state, { recursive: true, force: true });
    },
  };
}

/** Also what is not declared is a mistake. */
function expectDeclared(declared: z.ZodType, output: unknown): void {
  if (!(declared instanceof z.ZodObject)) throw new Error('the output of a tool is an object');
  declared.strict().parse(output);
}

/** A Howdah whose persona may reach the databases of these names and no other. */
export function openNarrowHowdah(url: string, ...databases: readonly string[]): Promise<Howdah> {
  return openHowdah(url, 'narrow', (config) => ({
    ...config,
    personas: {
      ...config.personas,
      narrow: PersonaSpec.parse({
        tools: { allow: ['*'] },
        databases: { allow: databases.map((name) => `*/${name}`) },
      }),
    },
  }));
}

/** The logins of a server that every tool is tried with. */
export const LOGINS = ['superuser', 'monitor', 'plain'] as const;
export type Login = (typeof LOGINS)[number];

/** All of them on 12, 15 and 18, which have a standby; elsewhere the one that is meant for monitoring. */
export function loginsOf({ standby }: Cluster): readonly Login[] {
  return standby ? LOGINS : ['monitor'];
}

/** Opens one Howdah per login for a file or a describe block; call the result inside of tests only. */
export function useHowdah(server: () => Server): (login: Login) => Howdah {
  const opened = new Map<Login, Howdah>();
  beforeAll(async () => {
    const { superuserUrl, monitorUrl, plainUrl } = server();
    opened.set('superuser', await openHowdah(superuserUrl));
    opened.set('monitor', await openHowdah(monitorUrl));
    opened.set('plain', await openHowdah(plainUrl));
  });
  afterAll(async () => {
    for (const howdah of opened.values()) await howdah.close();
  });
  return (login) => {
    const howdah = opened.get(login);
    if (!howdah) throw new Error('There is no Howdah before beforeAll: ask for it inside of a test.');
    return howdah;
  };
}

/** Runs statements in a session of their own, one after the other; rows of the last. */
export async function runAs(url: string, ...statements: readonly string[]): Promise<Record<string, unknown>[]> {
  return withSession(url, async (session) => {
    let rows: Record<string, unknown>[] = [];
    for (const statement of statements) rows = (await session.query<Record<string, unknown>>(statement)).rows;
    return rows;
  });
}

/** A session that is ended, and with it whatever transaction it has open, when `work` is done. */
export async function withSession<T>(url: string, work: (session: pg.Client) => Promise<T>): Promise<T> {
  const session = new pg.Client(url);
  session.on('error', () => {}); // the database may be dropped under it
  await session.connect();
  try {
    return await work(session);
  } finally {
    await session.end();
  }
}
