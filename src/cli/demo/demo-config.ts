import { createHash } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { createApiKey, idOfApiKey } from '../../identity/api-key.ts';
import { builtInPersonas } from '../../policy/built-in.ts';
import { MONITOR, READER } from './demo-database.ts';
import type { DemoFleet } from './demo-fleet.ts';
import type { DemoServer } from './session.ts';
import { SHOP } from './shop.ts';
import { WAREHOUSE } from './warehouse.ts';

/** How the demo is configured and called. */
export interface DemoConfig {
  /** Of the configuration file; any other command can be run with it. */
  readonly path: string;
  /** The API key of the persona `dba`: made once, readable for its owner only. */
  readonly key: string;
}

const HEAD =
  '# Written by `howdah demo` at each start: a change is lost, a copy is a good start for a file of your own.\n';

/** Writes the configuration of the demo, with the hash of its key. `listen` is the address for HTTP. */
export async function writeDemoConfig(directory: string, fleet: DemoFleet, listen: string): Promise<DemoConfig> {
  const key = await readKey(join(directory, 'key'));
  const path = join(directory, 'howdah.yaml');
  const hash = `sha256:${createHash('sha256').update(key).digest('hex')}`;
  const logins = { [READER]: { user: READER } };
  const { tools, limits } = builtInPersonas.dba;
  const tree = {
    http: { listen },
    servers: {
      shop: { url: urlOf(fleet.shop, SHOP.name), logins },
      'shop-standby': { url: urlOf(fleet.standby, SHOP.name), logins },
      // where everybody may change a table, no login only reads
      warehouse: { url: urlOf(fleet.warehouse, WAREHOUSE.name) },
    },
    default_server: 'shop',
    personas: { dba: { tools: { allow: tools.allow }, limits, login: READER } },
    auth: { api_keys: [{ id: idOfApiKey(key), hash, name: 'demo', roles: ['dba'] }] },
    audit: { directory: 'audit' },
    telemetry: { metrics: { listen: 'off' } },
  };
  await replace(path, HEAD + stringify(tree, { lineWidth: 0 }));
  return { path, key };
}

async function readKey(path: string): Promise<string> {
  const found = (await readFile(path, 'utf8').catch(() => '')).trim();
  if (idOfApiKey(found) !== undefined) return found;
  const { key } = createApiKey();
  await replace(path, `${key}\n`);
  return key;
}

/** A socket has no TLS, whatever PGSSLMODE says to others who use the file. */
function urlOf({ socketDirectory, port }: DemoServer, database: string): string {
  return `postgresql://${MONITOR}@/${database}?host=${encodeURIComponent(socketDirectory)}&port=${port}&sslmode=disable`;
}

/** Never half written, and never readable for others. */
async function replace(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text, { mode: 0o600 });
  await rename(`${path}.new`, path);
}
