/** Howdah before a server whose poolers its configuration names, and clients of theirs. */
import pg from 'pg';
import { afterAll } from 'vitest';
import type { Config } from '../../src/config/schema.ts';
import { PersonaSpec } from '../../src/contract/persona.ts';
import { Secret } from '../../src/core/secret.ts';
import { openHowdah, type Answer, type Howdah } from '../postgres/platform.ts';

export interface PoolerSetup {
  /** Of the server. */
  readonly url: string;
  /** Of the consoles. */
  readonly poolers: Readonly<Record<string, string>>;
  /** The databases that the caller may reach; all if left out. */
  readonly databases?: readonly string[];
  readonly pooling?: 'session' | 'transaction';
}

/** Opens Howdahs that are closed when the tests of the file are done. */
export function useHowdahs(): (setup: PoolerSetup) => Promise<Howdah> {
  const opened: Howdah[] = [];
  afterAll(() => Promise.all(opened.map((howdah) => howdah.close())));
  return async ({ url, poolers, databases, pooling = 'session' }) => {
    const change = (config: Config): Config => {
      const [[name, server] = []] = Object.entries(config.servers);
      if (name === undefined || !server) throw new Error('the configuration has no server');
      const consoles = Object.entries(poolers).map(([each, at]) => [each, { url: new Secret(at), tls: {} }] as const);
      const narrow = PersonaSpec.parse({
        tools: { allow: ['*'] },
        databases: { allow: (databases ?? []).map((database) => `*/${database}`) },
      });
      return {
        ...config,
        servers: { [name]: { ...server, pooling, pgbouncer: Object.fromEntries(consoles) } },
        personas: { ...config.personas, narrow },
      };
    };
    const howdah = await openHowdah(url, databases ? 'narrow' : 'dba', change);
    opened.push(howdah);
    return howdah;
  };
}

/** The rows of a part of an answer. */
export function partOf(answer: Answer, part: string): Readonly<Record<string, unknown>>[] {
  return answer[part] as Readonly<Record<string, unknown>>[];
}

/** Clients that are ended when `work` is done, whatever they do. */
export async function withClients<T>(
  url: string,
  names: readonly string[],
  work: (clients: readonly pg.Client[]) => Promise<T>,
): Promise<T> {
  const clients = names.map((application_name) => new pg.Client({ connectionString: url, application_name }));
  for (const client of clients) client.on('error', () => {});
  try {
    for (const client of clients) await client.connect();
    return await work(clients);
  } finally {
    await Promise.all(clients.map((client) => client.end().catch(() => {})));
  }
}

/** A query that may have to wait for its turn, and is not missed when it is cut off. */
export async function askOnce(client: pg.Client | undefined, text = 'select 1'): Promise<void> {
  await client?.query(text).catch(() => {});
}
