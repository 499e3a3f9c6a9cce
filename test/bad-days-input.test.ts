/** Arguments that no assistant would send: `howdah stdio` refuses them in words, lives, and answers the next call. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from './mcp-session.ts';
import { createPermits, openPool } from '../src/postgres/pool.ts';
import { useClone } from './postgres/clone.ts';
import { newestCluster } from './postgres/each-major.ts';
import { runSql } from './postgres/instance.ts';
import { failureOf, rowsOf, targetOf } from './session-kit.ts';
import { initialize, readOutcome, toolCall, type ToolOutcome } from './stdio-client.ts';
import { createStdioPlace, startRaw, type RawStdio, type StdioPlace } from './stdio-process.ts';

const cluster = newestCluster();
const clone = useClone(cluster);
let place: StdioPlace;
let raw: RawStdio;
let lastId = 0;

const MAX_MESSAGE_BYTES = 1_048_576;

const CONFIG = () => `
servers: { shop: { url: "\${DATABASE_URL}", databases: ["${clone().name}*", "raw_bytes"] } }
personas: { dba: { tools: { allow: ["class:diagnostic", "class:schema"] }, limits: { calls_per_minute: 100000 } } }`;

beforeAll(async () => {
  place = createStdioPlace(clone().monitorUrl, CONFIG());
  raw = startRaw(place);
  await initialize(raw);
});
afterAll(async () => {
  raw.child.kill('SIGTERM');
  await raw.exited;
  place.remove();
});

async function call(tool: string, input: object): Promise<ToolOutcome> {
  const id = (lastId += 1);
  raw.send(toolCall(id, tool, input));
  const { result, error } = await raw.answerTo(id);
  expect(error).toBeUndefined();
  return readOutcome(result ?? {});
}

/** The error that answers a line which is no message, and what a call after it comes to. */
async function refusalOf(line: string): Promise<object> {
  const refusals = () => raw.received.filter(({ id }) => id === null);
  const before = refusals().length;
  raw.send(line);
  const { error } = await until(() => refusals()[before], 2000);
  const { code } = await call('list_tables', { schema: 'shop' });
  return { ...error, next: code };
}

const describeTable = (json: string) =>
  `{"jsonrpc":"2.0","id":"hostile","method":"tools/call","params":{"name":"describe_table","arguments":${json}}}`;

/** A message of exactly that many bytes. */
function padded(bytes: number): string {
  const shell = describeTable('{"table":""}');
  return describeTable(`{"table":"${'x'.repeat(bytes - shell.length)}"}`);
}

describe('a message', () => {
  it('of one byte more than 1 MiB is refused, and of 1 MiB is read', async () => {
    expect(await refusalOf(padded(MAX_MESSAGE_BYTES + 1))).toEqual({
      code: -32600,
      message: 'A message has at most 1048576 bytes.',
      next: 'OK',
    });
    raw.send(padded(MAX_MESSAGE_BYTES));
    const { result } = await raw.answerTo('hostile');
    const outcome = readOutcome(result ?? {});
    expect(outcome).toMatchObject({ code: 'INVALID_INPUT' });
    expect(outcome.text.length).toBeLessThan(2000);
    const [event] = place.events().filter(({ call_id }) => call_id === outcome.callId);
    expect(JSON.stringify(event).length).toBeLessThan(10_000);
  });

  it.each([
    ['with 100,000 lists in each other', () => `${'['.repeat(1e5)}${']'.repeat(1e5)}`, -32600, 'nested deeper'],
    ['with 100,000 open objects', () => '{"a":'.repeat(1e5), -32600, 'nested deeper'],
    ['with 100,000 keys', () => JSON.stringify(Object.fromEntries(keys(100_000))), -32600, 'keys'],
    ['with half of a surrogate pair', () => String.raw`{"table":"\ud800"}`, -32700, 'surrogate'],
    ['with a bare NUL', () => '{"table":"a\0b"}', -32700, 'not JSON'],
  ])('%s is refused', async (_, json, code, reason) => {
    const message = expect.stringContaining(reason) as string;
    expect(await refusalOf(describeTable(json()))).toEqual({ code, message, next: 'OK' });
  });

  it('with 9,000 unknown arguments gets a short answer', async () => {
    const outcome = await call('describe_table', Object.fromEntries(keys(9000)));
    expect(outcome).toMatchObject({ code: 'INVALID_INPUT' });
    expect(outcome.text.length).toBeLessThan(10_000);
  });
});

function keys(count: number): [string, number][] {
  return Array.from({ length: count }, (_, i) => [i.toString(36), 0]);
}

const NAMES = [
  '"; drop table shop.customers; --',
  `'; select pg_sleep(10); --`,
  '__proto__',
  'constructor',
  'toString',
  '../../etc/passwd',
  '$1',
  '%s%n',
  '\u202Eesrever',
  '\u001B[31mred',
  'a\nb',
  '😀'.repeat(15),
  'ü'.repeat(60),
  ' ',
];

describe.each(NAMES)('the name %j', (name) => {
  it('is a name like any other', async () => {
    const server = await call('list_tables', { server: name });
    expect(server).toMatchObject({ code: 'NOT_FOUND', message: expect.stringContaining('No server is named') });
    const database = await call('list_tables', { database: name });
    expect(database).toMatchObject({ code: 'FORBIDDEN' });
    const missing = await call('list_tables', { database: clone().name + name.slice(0, 20) });
    expect(missing.code).toBe('NOT_FOUND');
    expect(missing.hint).toContain('Name a database');
    const table = await call('describe_table', { table: name });
    expect(table).toMatchObject({ code: 'NOT_FOUND', message: expect.stringContaining('has no relation') });
    expect(await call('list_tables', { schema: name })).toMatchObject({ code: 'OK' });
    expect(await call('describe_table', { table: 'shop.customers', [name]: name })).toMatchObject({
      code: 'INVALID_INPUT',
    });
  });
});

describe('NUL', () => {
  it.each(['table', 'schema', 'server', 'database'])('is refused in the argument %s', async (argument) => {
    const outcome = await call('describe_table', { table: 'customers', [argument]: 'a\0b' });
    expect(outcome).toMatchObject({
      code: 'INVALID_INPUT',
      message: `Invalid arguments: "${argument}" holds NUL (U+0000).`,
    });
  });

  it.each(['database\0postgres', 'user\0plain', 'options\0-c work_mem=1'])(
    'does not smuggle %j into the startup of a connection, past the rules for databases',
    async (parameter) => {
      const database = `${clone().name}\0${parameter}`;
      expect(await call('list_tables', { database })).toMatchObject({ code: 'INVALID_INPUT' });
      const argument = { name: 'schema', value: '' };
      const ref = { type: 'ref/resource', uri: 'pg://{server}/{database}/{schema}/{table}' };
      const params = { ref, argument, context: { arguments: { server: 'shop', database } } };
      raw.send({ jsonrpc: '2.0', id: parameter, method: 'completion/complete', params });
      expect(await raw.answerTo(parameter)).toMatchObject({ result: { completion: { values: [] } } });
    },
  );
});

it('a connection whose database holds NUL is not even tried, whoever asks for it', async () => {
  const target = targetOf(clone().monitorUrl, { database: `${clone().name}\0database\0postgres` });
  const pool = openPool(target, { permits: createPermits(1) });
  expect(await failureOf(rowsOf(pool, 'select 1'))).toMatchObject({ code: 'NOT_FOUND' });
  await pool.close();
});

describe('a database that holds bytes of no encoding', () => {
  beforeAll(async () => {
    await runSql(cluster, 'postgres', `create database raw_bytes encoding 'SQL_ASCII' locale 'C' template template0`);
    await runSql(cluster, 'raw_bytes', `do $$ begin execute E'create table "caf\\xe9" (id int)'; end $$`);
    await runSql(cluster, 'raw_bytes', 'create table plain_ascii (id int)');
  });
  afterAll(async () => {
    await runSql(
      cluster,
      'postgres',
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = 'raw_bytes'`,
    );
    await runSql(cluster, 'postgres', 'drop database raw_bytes with (force)');
  });

  it('says why a list cannot be read, and gives what can be', async () => {
    const all = await call('list_tables', { database: 'raw_bytes' });
    expect(all).toMatchObject({ code: 'QUERY_FAILED', sqlstate: '22021' });
    expect(all.hint).toContain('SQL_ASCII');
    expect(await call('list_tables', { database: 'raw_bytes', name: 'plain_ascii' })).toMatchObject({ code: 'OK' });
    expect(await call('describe_table', { database: 'raw_bytes', table: 'plain_ascii' })).toMatchObject({ code: 'OK' });
    expect(await call('server_overview', { database: 'raw_bytes' })).toMatchObject({ code: 'OK' });
  });
});
