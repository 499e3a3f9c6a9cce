import { cpus } from 'node:os';
import type { Client } from 'pg';
import type { Machine } from './results.ts';

export async function describeMachine(client: Client): Promise<Machine> {
  const { rows } = await client.query<{ version: string }>("select current_setting('server_version') as version");
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    node: process.version,
    postgres: rows[0]?.version ?? 'unknown',
  };
}
