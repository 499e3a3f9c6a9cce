/** Data rules that name what is not there, found where `howdah config check --connect` finds them. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { runCli } from '../src/cli/cli.ts';
import { useClone } from './postgres/clone.ts';
import { describeSomeMajors } from './postgres/each-major.ts';

const hides = (entry: string, level: string, name: string, near: string) =>
  `hides nothing: "${entry}" names the ${level} "${name}", which none of the databases has that were read for the persona; did you mean ${near}?`;
const opens = (...parts: Parameters<typeof hides>) => hides(...parts).replace('hides', 'opens');

describeSomeMajors('config check --connect', (cluster) => {
  const clone = useClone(cluster);
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'howdah-connect-'));
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  async function check(config: unknown, ...flags: string[]) {
    const file = join(directory, 'howdah.yaml');
    writeFileSync(file, stringify(config), { mode: 0o600 });
    let stdout = '';
    const code = await runCli({
      args: ['config', 'check', file, '--json', ...flags],
      env: { HOWDAH_STATE: join(directory, 'state') },
      stdin: Readable.from([]),
      stdout: new Writable({
        write: (chunk: Buffer, _, done) => {
          stdout += chunk.toString();
          done();
        },
      }),
      stderr: new Writable({ write: (_, __, done) => done() }),
      signal: new AbortController().signal,
      interrupted: () => undefined,
    });
    return { code, answer: JSON.parse(stdout) as Readonly<Record<string, unknown>> };
  }

  const personas = (data: unknown) => ({
    support: { tools: { allow: ['*'] }, databases: { allow: [`*/${clone().name}`] }, data },
  });
  const wrong = {
    deny: ['hidden.*', 'crn.*', 'shop.custmers', 'shop.*.email', '"we.ird"."Mixed Case"', '*.no_such_*'],
    mask: { 'shop.customers.emial': 'hash', 'shop.customers.id': 'null' },
    allow: ['shop.paid_orders', 'shop.pad_orders'],
    functions: ['shop.order_total', 'shop.*', 'shop.order_totl', 'shp.*'],
  };

  it('names every entry that hides nothing, with the nearest name', { timeout: 60_000 }, async () => {
    const servers = { shop: { url: clone().monitorUrl } };
    const config = { servers, personas: personas(wrong) };
    expect((await check(config)).code).toBe(0);
    const { code, answer } = await check(config, '--connect');
    expect(code).toBe(2);
    expect(answer).toMatchObject({
      error: {
        code: 'CONFIG_INVALID',
        details: {
          problems: [
            { path: 'personas.support.data.deny[1]', message: hides('crn.*', 'schema', 'crn', 'crm') },
            {
              path: 'personas.support.data.deny[2]',
              message: hides('shop.custmers', 'table', 'custmers', 'customers'),
            },
            {
              path: 'personas.support.data.mask."shop.customers.emial"',
              message: hides('shop.customers.emial', 'column', 'emial', 'email'),
            },
            {
              path: 'personas.support.data.allow[1]',
              message: opens('shop.pad_orders', 'table', 'pad_orders', 'paid_orders'),
            },
            {
              path: 'personas.support.data.functions[2]',
              message: opens('shop.order_totl', 'function', 'order_totl', 'order_total'),
            },
            { path: 'personas.support.data.functions[3]', message: opens('shp.*', 'schema', 'shp', 'shop') },
          ],
        },
      },
    });
  });

  it('says which server it could not ask, and goes on', { timeout: 60_000 }, async () => {
    const servers = {
      shop: { url: clone().monitorUrl },
      gone: { url: 'postgresql://monitor@127.0.0.1:1/shop' },
    };
    const sound = { deny: ['hidden.*'], mask: { 'shop.customers.email': 'hash' } };
    const { code, answer } = await check({ servers, personas: personas(sound) }, '--connect');
    expect(code).toBe(0);
    expect(answer['warnings']).toContainEqual(expect.stringMatching(/^data rules could not be compared with gone: /));
    const alone = await check({ servers: { gone: servers.gone }, personas: personas(wrong) }, '--connect');
    expect(alone.code).toBe(0);
  });
});
