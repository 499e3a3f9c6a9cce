/** Secrets planted wherever Howdah looks: none comes out on stdout, on stderr at the level debug, or in the audit log. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import { howdahCommand } from './built-program.ts';
import { useClone } from './postgres/clone.ts';
import { newestCluster } from './postgres/each-major.ts';
import { runSql } from './postgres/instance.ts';
import { runAs, withSession } from './postgres/platform.ts';
import { auditDirectory, openClient } from './stdio-client.ts';
import { createStdioPlace, type StdioPlace } from './stdio-process.ts';

const newest = newestCluster();
const secret = () => `s3cret${randomBytes(9).toString('hex')}`;

const DEBUG = 'servers: { shop: { url: "${DATABASE_URL}" } }\ntelemetry: { log_level: debug }\n';
const TOOLS = [
  ['server_overview', {}],
  ['activity', { statement_length: 10_000 }],
  ['top_statements', {}],
  ['list_tables', {}],
  ['describe_table', { table: 'planted' }],
  ['unused_indexes', {}],
] as const;

interface Run {
  readonly code: number | null;
  readonly output: string;
}

/** The command line in the same place; everything that it printed. */
function howdah({ command, cwd, env }: StdioPlace, words: readonly string[]): Promise<Run> {
  const child = spawn(command, howdahCommand(...words), { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, output })));
}

function recorded(place: StdioPlace): string {
  const directory = auditDirectory(place);
  return readdirSync(directory)
    .map((file) => readFileSync(join(directory, file), 'utf8'))
    .join('');
}

describe.each([...new Set([inject('clusters')[12] ?? newest, newest])])('on PostgreSQL $major', (cluster) => {
  const clone = useClone(cluster);

  it('secrets of others are in statements, names and comments, and in no answer, log line or event', async () => {
    const [running, done, failing, name, comment, password] = Array.from({ length: 6 }, secret);
    const superuser = new URL(clone().superuserUrl);
    const place = createStdioPlace(superuser.href, DEBUG);
    await runAs(
      superuser.href,
      'create table public.planted (id int, note text)',
      `comment on table public.planted is 'filled from postgresql://loader:${comment}@db.example.org/shop'`,
      `select count(*) from public.planted where note = '${done}'`,
      `create role planted_role password '${password}'`,
      'drop role planted_role',
    );
    await runAs(superuser.href, `select '${failing}'::int`).catch(() => undefined);
    const named = new URL(superuser.href);
    named.searchParams.set('application_name', `password=${name}`);
    const client = await openClient(place);
    try {
      const answers = await withSession(named.href, async (session) => {
        const sleeping = session.query(`select pg_sleep(30), '${running}'`).catch(() => undefined);
        const outcomes = [];
        for (const [tool, input] of TOOLS) outcomes.push(await client.call(tool, input));
        await runAs(
          superuser.href,
          `select pg_cancel_backend(pid) from pg_stat_activity where query like 'select pg_sleep(30)%' and datname = '${clone().name}'`,
        );
        await sleeping;
        return outcomes;
      });
      const everything = JSON.stringify(answers) + client.log() + recorded(place);
      expect(answers.map(({ code }) => code)).toEqual(TOOLS.map(() => 'OK'));
      const secrets = { running, done, failing, name, comment, password, own: superuser.password };
      const shown = Object.entries(secrets).filter(([, each]) => each === undefined || everything.includes(each));
      expect(shown.map(([which]) => which)).toEqual([]);
      for (const seen of ['pg_sleep', 'password=[redacted]', 'filled from'])
        expect(everything.includes(seen)).toBe(true);
    } finally {
      await client.close();
      place.remove();
    }
  });
});

describe('the password of the connection', () => {
  const clone = useClone(newest);

  it('is shown nowhere, whether it comes from the URL or from PGPASSWORD, and is right or wrong', async () => {
    const role = `role_${randomBytes(4).toString('hex')}`;
    const [right, wrong] = [secret(), secret()];
    await runSql(newest, clone().name, `create role ${role} login password '${right}'`);
    const url = new URL(clone().superuserUrl);
    url.username = role;
    url.password = '';
    const config = `servers: { right: { url: "\${DATABASE_URL}" }, wrong: { url: "\${WRONG_URL}" } }\ntelemetry: { log_level: debug }\n`;
    const place = createStdioPlace(url.href, config);
    url.password = wrong;
    Object.assign(place.env, { PGPASSWORD: right, WRONG_URL: url.href });
    const client = await openClient(place);
    try {
      const outcomes = [
        await client.call('list_tables', { server: 'right' }),
        await client.call('list_tables', { server: 'right', database: 'missing' }),
        await client.call('list_tables', { server: 'right', name: url.href }),
        await client.call('list_tables', { server: 'wrong' }),
        await client.call('list_tables', { server: url.href.slice(0, 63) }),
      ];
      expect(outcomes.map(({ code }) => code)).toEqual(['OK', 'NOT_FOUND', 'OK', 'SERVER_UNREACHABLE', 'NOT_FOUND']);
      const doctor = await howdah(place, ['doctor', '--config', join(String(place.env['HOME']), 'howdah.yaml')]);
      expect(doctor.output).toContain(`Server wrong  ${role}@`);
      const everything = JSON.stringify(outcomes.slice(0, -1)) + client.log() + doctor.output + recorded(place);
      expect([right, wrong].filter((each) => everything.includes(each))).toEqual([]);
    } finally {
      await client.close();
      place.remove();
      await runSql(newest, 'postgres', `drop role ${role}`);
    }
  });

  it('is not shown by a URL that cannot be used', async () => {
    const password = secret();
    const url = `postgresql://monitor:${password}@127.0.0.1:${newest.port}/postgres%00user%00plain`;
    const place = createStdioPlace(url);
    try {
      const run = await howdah(place, ['check']);
      expect(run.code).toBeGreaterThan(1);
      expect(run.output).toMatch(/^error: The connection parameter dbname/);
      expect(run.output).not.toContain(password);
      expect(run.output).not.toContain('Grade');
    } finally {
      place.remove();
    }
  });
});

describe('a statement of bytes that are no text', () => {
  it('is shown masked by way of a database with an encoding, and refused in words by one without', async () => {
    await runSql(
      newest,
      'postgres',
      `create database raw_statements encoding 'SQL_ASCII' locale 'C' template template0`,
    );
    const socket = await startRawStatement(
      'raw_statements',
      Buffer.from("select pg_sleep(30) as caf\xe9, '\xff'", 'latin1'),
    );
    const place = createStdioPlace(newest.monitorUrl);
    const client = await openClient(place);
    try {
      const readable = await client.call('activity');
      expect(readable).toMatchObject({
        code: 'OK',
        text: expect.stringContaining('select pg_sleep($1) as caf\uFFFD, $2'),
      });
      const raw = await client.call('activity', { database: 'raw_statements' });
      expect(raw).toMatchObject({ code: 'QUERY_FAILED', sqlstate: '22021' });
      expect(raw.hint).toContain('by way of another database');
      expect(raw.text).not.toContain('0xe9');
      await client.ping();
    } finally {
      socket.destroy();
      await client.close();
      place.remove();
      await runSql(newest, 'postgres', 'drop database raw_statements with (force)');
    }
  });
});

/** A session by the trusted socket, in the bytes of the protocol, since the driver sends UTF-8 only. */
async function startRawStatement(database: string, statement: Buffer) {
  const socket = connect(`${newest.socketDir}/.s.PGSQL.${newest.port}`);
  const startup = Buffer.from(`\0\x03\0\0user\0postgres\0database\0${database}\0\0`, 'latin1');
  socket.write(Buffer.concat([length(startup), startup]));
  // not counted: pg_stat_statements is the whole server's, and could not be read by anybody with this text in it
  for (const text of [Buffer.from('set pg_stat_statements.track = none'), statement]) {
    const query = Buffer.concat([text, Buffer.from([0])]);
    socket.write(Buffer.concat([Buffer.from('Q'), length(query), query]));
  }
  const running = `select count(*)::int as n from pg_stat_activity where datname = '${database}' and state = 'active'`;
  await expect.poll(async () => (await runSql(newest, 'postgres', running)).rows).toEqual([{ n: 1 }]);
  return socket;
}

function length(content: Buffer): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(content.length + 4);
  return bytes;
}
