import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig } from './load.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'howdah-config-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const load = (text: string, env: Record<string, string> = {}) => {
  const path = join(directory, 'howdah.yaml');
  writeFileSync(path, text, { mode: 0o600 });
  return loadConfig({ path, env });
};

describe('the store in the configuration', () => {
  it('needs a key beside a URL', async () => {
    await expect(load('store: { url: "postgresql://howdah@db/howdah" }')).rejects.toThrow(
      /secrets\.key is missing, and store\.url needs it/,
    );
  });

  it('needs the variable that a key is in, and takes the key from there', async () => {
    const text =
      'store: { url: "postgresql://howdah@db/howdah" }\nsecrets: { key: { env: KEY }, previous: [{ env: OLD }] }';
    await expect(load(text)).rejects.toThrow(/secrets\.key\.env names.*\n.*secrets\.previous\[0\]\.env names/);
    const { config } = await load(text, { KEY: 'k', OLD: 'o' });
    expect(config.store.embedded).toBe(true);
  });

  it.each([
    ['secrets: { key: { env: A, file: b } }', 'secrets.key needs exactly one of env and file'],
    ['store: { migrate_url: "postgresql://o@db/howdah" }', 'store has migrate_url without url'],
    ['audit: { retention: 90 days }', 'audit.retention is `13 months` or another number of months, or `forever`'],
    ['audit: { on_unavailable: lose }', 'audit.on_unavailable must be one of refuse, spool'],
  ])('refuses %s', async (text, problem) => {
    await expect(load(text, { A: 'a' })).rejects.toThrow(problem);
  });

  it('warns once of every key that does nothing without a store', async () => {
    const keys = `
grants: { longest: 7d }
audit: { retention: 13 months, on_unavailable: spool, spool_limit: 512, checkpoints: /srv/checkpoints }
`;
    const { warnings } = await load(`store: { embedded: false }\n${keys}`);
    expect(warnings).toEqual([
      'audit.retention, audit.on_unavailable, audit.spool_limit, audit.checkpoints, grants.longest are of no effect: there is no store; set store.url, or leave out `store.embedded: false`.',
    ]);
    expect((await load(`store: { embedded: false }\naudit: { retention: 1 months }`)).warnings).toEqual([
      expect.stringMatching(/^audit\.retention is of no effect/),
    ]);
    const asItIs = 'grants: { longest: 24h }\naudit: { retention: forever, on_unavailable: refuse, spool_limit: 256 }';
    expect((await load(`store: { embedded: false }\n${asItIs}`)).warnings).toEqual([]);
    expect((await load(keys)).warnings).toEqual([]);
    const url = 'store: { embedded: false, url: "postgresql://howdah@db/howdah" }\nsecrets: { key: { env: KEY } }';
    expect((await load(url + keys, { KEY: 'k' })).warnings).toEqual([]);
  });
});
