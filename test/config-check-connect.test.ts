/** What only the servers know of a configuration: data rules that name what is not there, saved queries that fail. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { runCli } from '../src/cli/cli.ts';
import { makeReader } from './callers-kit.ts';
import { useClone } from './postgres/clone.ts';
import { describeSomeMajors } from './postgres/each-major.ts';
import { runAs } from './postgres/platform.ts';

const hides = (entry: string, level: string, name: string, near: string) =>
  `hides nothing: "${entry}" names the ${level} "${name}", which none of the databases has that were read for the persona; did you mean ${near}?`;
const opens = (...parts: Parameters<typeof hides>) => hides(...parts).replace('hides', 'opens');

const query = (sql: string, ...types: string[]) => ({
  description: 'A query.',
  sql,
  server: 'shop',
  parameters: types.map((type, i) => ({ name: `p${i}`, type })),
});

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

  it(
    'plans saved queries as each persona that may call them, and says why they fail',
    { timeout: 60_000 },
    async () => {
      await runAs(
        clone().superuserUrl,
        'create function shop.own(integer) returns integer language sql as $$ select $1 $$',
        'create view shop.judged as select id, shop.own(id) as own from shop.customers',
      );
      const reader = await makeReader(
        clone().superuserUrl,
        'grant usage on schema shop',
        'grant select on shop.customers',
        'grant select on shop.judged',
      );
      const config = (queries: object) => ({
        servers: { shop: { url: clone().monitorUrl, logins: { reader } } },
        personas: {
          analyst: { ...personas(undefined).support, login: 'reader' },
          careful: {
            ...personas({ deny: ['shop.customers'], mask: {} }).support,
            login: 'reader',
            tools: { allow: ['hidden_from_one'] },
          },
          outsider: { ...personas(undefined).support, tools: { allow: ['class:diagnostic'] } },
        },
        queries,
      });
      const sound = {
        counted: query('select count(*) from shop.customers where id > $1', 'bigint'),
        shown: query('show server_version'),
        hidden_from_one: query('select 1'),
      };
      const { answer: found } = await check(config(sound), '--connect');
      expect(found['warnings']).toEqual([
        expect.stringMatching(/^saved queries could not be judged on shop as the persona dba: .* names no login/),
      ]);

      const broken = {
        ...sound,
        misspelt: query('select nmae from shop.customers'),
        mistyped: query('select id from shop.customers where id = $1', 'date'),
        reaching: query('select own from shop.judged'),
        ungranted: query('select * from shop.order_lines'),
        hidden_from_one: query('select id from shop.customers'),
      };
      expect((await check(config(broken))).code).toBe(0);
      const { code, answer } = await check(config(broken), '--connect');
      expect(code).toBe(2);
      const { problems } = (answer['error'] as { details: { problems: { path: string; message: string }[] } }).details;
      const said = Object.fromEntries(problems.map(({ path, message }) => [path, message]));
      expect(said).toEqual({
        'queries.misspelt.sql': expect.stringMatching(/^fails on shop for analyst: .*column "nmae" does not exist/),
        'queries.mistyped.sql': expect.stringMatching(/^fails on shop for analyst: .*operator does not exist/),
        'queries.reaching.sql': expect.stringMatching(
          /^fails on shop for analyst: \(function\/not-granted\) .*shop\.own/,
        ),
        'queries.ungranted.sql': expect.stringMatching(/^fails on shop for analyst: .*permission denied/),
        'queries.hidden_from_one.sql': expect.stringMatching(/^fails on shop for careful: \(relation\/unknown\) /),
      });
    },
  );

  it('says where saved queries could not be judged', { timeout: 60_000 }, async () => {
    const config = {
      servers: { gone: { url: 'postgresql://monitor@127.0.0.1:1/shop' } },
      personas: { analyst: { tools: { allow: ['*'] } } },
      queries: { counted: { description: 'A query.', sql: 'select 1' } },
    };
    const { code, answer } = await check(config, '--connect');
    expect(code).toBe(0);
    expect(answer['warnings']).toContainEqual(
      expect.stringMatching(/^saved queries could not be judged on gone as the persona analyst: /),
    );
  });
});
