/** The command line as a process: what it prints where, and how it exits. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { howdahCommand } from './built-program.ts';
import { useClone } from './postgres/clone.ts';
import { newestCluster } from './postgres/each-major.ts';

const TIMEOUT_MS = 60_000;

let home: string;
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'howdah-cli-'));
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** `during` sees the process while it runs. */
function howdah(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  during?: (child: ReturnType<typeof start>, stdout: string) => void,
): Promise<Run> {
  const child = start(args, env);
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
    during?.(child, stdout);
  });
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}

function start(args: readonly string[], env: Readonly<Record<string, string>>) {
  return spawn(process.execPath, howdahCommand(...args), {
    env: { PATH: String(process.env['PATH']), HOME: home, HOWDAH_STATE: join(home, 'state'), ...env },
    timeout: TIMEOUT_MS,
    cwd: join(import.meta.dirname, '..'),
  });
}

describe('howdah without any configuration', () => {
  it('lists all tools, and says of each that DATABASE_URL is missing', async () => {
    const { code, stdout, stderr } = await howdah(['tools', '--json']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const { tools } = JSON.parse(stdout) as { tools: Record<string, unknown>[] };
    const listTables = tools.find(({ name }) => name === 'list_tables');
    expect(listTables).toEqual({
      name: 'list_tables',
      area: 'tables',
      class: 'schema',
      title: 'Tables',
      callable: false,
      reason: 'no PostgreSQL server is configured; set DATABASE_URL',
    });
    expect(Object.keys(listTables ?? {})).toEqual(['name', 'area', 'class', 'title', 'callable', 'reason']);
  });

  it('checks and shows its configuration', async () => {
    const [checked, shown] = await Promise.all([howdah(['config', 'check', '--json']), howdah(['config', 'show'])]);
    expect(checked.code).toBe(0);
    expect(JSON.parse(checked.stdout)).toEqual({ ok: true, source: 'nothing', servers: [], warnings: [] });
    expect(shown).toMatchObject({ code: 0, stdout: expect.stringContaining('stdio:\n  persona: dba\n') });
  });

  it.each([[['call', 'list_tables']], [['check']]])('names DATABASE_URL when it needs a server: %j', async (args) => {
    const { code, stdout, stderr } = await howdah(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^error: No PostgreSQL server is configured\.\nhint: Set DATABASE_URL /);
  });
});

describe('howdah and a server that is not there', () => {
  const env = { DATABASE_URL: 'postgresql://monitor:swordfish@127.0.0.1:1/shop' };

  it('exits with 4 and never shows the password', async () => {
    const runs = await Promise.all([
      howdah(['call', 'list_tables', '--json'], env),
      howdah(['check'], env),
      howdah(['doctor'], env),
    ]);
    expect(runs.map(({ code }) => code)).toEqual([4, 4, 4]);
    expect(JSON.parse(runs[0].stdout)).toMatchObject({ error: { code: 'SERVER_UNREACHABLE' } });
    expect(runs[1].stderr).toMatch(/^error: .*127\.0\.0\.1/);
    expect(runs[2].stdout).toContain('Server default  monitor@127.0.0.1:1/shop\nerror: ');
    expect(JSON.stringify(runs)).not.toContain('swordfish');
  });
});

describe('howdah as a part of a pipeline', () => {
  it('ends quietly when the reader has read enough', async () => {
    const command = `"${process.execPath}" "${howdahCommand()[0]}" config schema | head -1; echo "\${PIPESTATUS[0]}" >&2`;
    const child = spawn('bash', ['-c', command], { env: { PATH: String(process.env['PATH']), HOME: home } });
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    await new Promise((resolve) => child.on('close', resolve));
    expect(stderr).toBe('0\n');
  });

  it('exits with 130 on Ctrl-C, after its audit log is closed', async () => {
    const { code, stderr } = await howdah(['audit', 'tail', '--follow'], {}, (child, stdout) => {
      if (stdout.includes('audit_tail')) child.kill('SIGINT');
    });
    expect({ code, stderr }).toEqual({ code: 130, stderr: '' });
    expect((await howdah(['audit', 'verify', '--json'])).stdout).toContain('"ok": true');
  });
});

describe('howdah with a server', () => {
  const cluster = newestCluster();
  const clone = useClone(cluster);
  const monitor = () => ({ DATABASE_URL: clone().monitorUrl });

  it('calls a tool by flags, and the answer is what the pipeline gives', async () => {
    const run = await howdah(['call', 'list_tables', '--limit', '2', '--order-by', 'name', '--json'], monitor());
    expect(run).toMatchObject({ code: 0, stderr: '' });
    const { rows, truncated } = JSON.parse(run.stdout) as { rows: unknown[]; truncated: boolean };
    expect({ rows: rows.length, truncated }).toEqual({ rows: 2, truncated: true });
  });

  it('refuses arguments that the tool does not take', async () => {
    const given = [['--input={"limit":1}', '--limit=2'], ['--input=[]'], ['--input={"colour":"red"}']];
    const runs = given.map((args) => howdah(['call', 'list_tables', ...args], monitor()));
    const [twice, malformed, wrong] = (await Promise.all(runs)) as [Run, Run, Run];
    expect([twice.code, malformed.code, wrong.code]).toEqual([2, 2, 2]);
    expect(twice.stderr).toContain('error: The argument "limit" is given twice, in --input and as a flag.');
    expect(malformed.stderr).toContain('error: The value of --input is no JSON object.');
    expect(wrong.stderr).toContain('unknown argument "colour"');
  });

  it('exits with 3 for what the persona may not do, and says why in the list of tools', async () => {
    const file = join(home, 'analyst.yaml');
    writeFileSync(file, 'servers: { shop: { url: "${DATABASE_URL}" } }\nstdio: { persona: analyst }\n');
    const [call, tools] = await Promise.all([
      howdah(['call', 'activity', '-c', file], monitor()),
      howdah(['tools', '-c', file, '--json'], monitor()),
    ]);
    expect(call).toMatchObject({
      code: 3,
      stdout: '',
      stderr: expect.stringMatching(/^error: The persona "analyst" may not call "activity"/),
    });
    const listed = (JSON.parse(tools.stdout) as { tools: { name: string }[] }).tools;
    expect(listed.find(({ name }) => name === 'activity')).toMatchObject({
      callable: false,
      reason: 'no rule of personas.analyst.tools.allow matches',
    });
  });

  it('checks a server within ten seconds, for people and for programs', async () => {
    const [text, json] = await Promise.all([
      howdah(['check', clone().monitorUrl]),
      howdah(['check', '--json'], monitor()),
    ]);
    expect(text).toMatchObject({ code: 0, stderr: '' });
    expect(text.stdout).toMatch(/^monitor@\S+ {2}PostgreSQL \d+[^\n]*\n\nGrade [A-F] {3}/);
    expect(text.stdout.split('\n').length).toBeLessThanOrEqual(52);
    const report = JSON.parse(json.stdout) as { grade: string; examined: number; asked: number; took_ms: number };
    expect(report.grade).toMatch(/^[A-F]$/);
    expect(report.examined).toBeGreaterThan(0);
    expect(report.took_ms).toBeLessThan(10_000);
    expect(json.stdout).not.toContain('PgBouncer'); // there is none, and nobody misses it
  });

  it('tells a plain login what it lacks, and a superuser what it has too much of', async () => {
    const [plain, superuser] = await Promise.all([
      howdah(['doctor', '--json'], { DATABASE_URL: clone().plainUrl }),
      howdah(['doctor'], { DATABASE_URL: clone().superuserUrl }),
    ]);
    expect(JSON.parse(plain.stdout)).toMatchObject({
      servers: [
        {
          reachable: true,
          role: 'plain',
          findings: expect.arrayContaining([expect.objectContaining({ next_step: 'GRANT pg_monitor TO "plain";' })]),
        },
      ],
    });
    expect(superuser.stdout).toContain('WARNING The login is a superuser');
    expect(superuser.stdout).toContain('    CREATE ROLE howdah LOGIN CONNECTION LIMIT 8;');
  });

  it('shows what was called, and finds out when the record was changed', async () => {
    const env = { ...monitor(), HOWDAH_STATE: join(home, 'tampered') };
    await howdah(['call', 'list_tables', '--name', 'needle'], env);
    const tail = await howdah(['audit', 'tail', '--operation', 'list_tables', '--json'], env);
    const [event] = tail.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(event).toMatchObject({
      operation: 'list_tables',
      transport: 'cli',
      input: { name: 'needle' },
      outcome: 'OK',
    });
    const directory = join(env.HOWDAH_STATE, 'audit');
    const file = join(directory, String(readdirSync(directory).toSorted()[0]));
    writeFileSync(file, readFileSync(file, 'utf8').replace('needle', 'noodle'));
    const verified = await howdah(['audit', 'verify'], env);
    expect(verified.code).toBe(1);
    expect(verified.stdout).toContain('ok: false');
  });
});

describe('howdah connect', () => {
  it('writes the entry of a client, without a password, and keeps what was there', async () => {
    const file = join(home, '.gemini', 'settings.json');
    const env = { DATABASE_URL: 'postgresql://monitor:swordfish@db.example.org/shop' };
    const first = await howdah(['connect', 'gemini', '--write'], env);
    expect(first.code).toBe(0);
    expect(first.stderr).toMatch(/^hint: Put your connection URL .* The one in your environment was not copied/);
    const { mcpServers } = JSON.parse(readFileSync(file, 'utf8')) as {
      mcpServers: { howdah: { args: string[]; command: string } };
    };
    expect(mcpServers.howdah.command).toBe(process.execPath);
    expect(mcpServers.howdah.args[0]).toMatch(/^\/.*\/dist\/main\.js$/);
    expect(statSync(file).mode & 0o777).toBe(0o600);

    writeFileSync(file, '{"theme":"dark" // mine\n}');
    const second = await howdah(['connect', 'gemini', '--write'], env);
    expect(second).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('is not valid JSON; it was left as it is'),
    });
    expect(readFileSync(file, 'utf8')).toBe('{"theme":"dark" // mine\n}');
    expect(JSON.stringify([first, second, mcpServers])).not.toContain('swordfish');
  });

  it('prints a snippet that can be piped into a file', async () => {
    const { code, stdout } = await howdah(['connect', 'cursor', '--config', 'howdah.yaml']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      mcpServers: {
        howdah: {
          command: process.execPath,
          args: [
            expect.stringMatching(/main\.js$/),
            'stdio',
            '--config',
            expect.stringMatching(/^\/.*\/howdah\.yaml$/),
          ],
        },
      },
    });
  });
});
