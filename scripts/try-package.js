/** Installs the packed tarball in an empty directory and drives it as a user would. */
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { env, execPath, exit, stdout } from 'node:process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'howdah-package-'));
chmodSync(folder, 0o755); // as root, PostgreSQL runs as another user, who must get to the binaries
const environment = { PATH: env['PATH'], HOME: folder, HOWDAH_STATE: join(folder, 'state') };

try {
  const npm = (...args) =>
    execFileSync('npm', [...args, '--no-audit', '--no-fund', '--loglevel=error'], { cwd: folder });
  const [tarball] = JSON.parse(execFileSync('npm', ['pack', '--json', '--pack-destination', folder], { cwd: root }));
  say(`packed ${tarball.files.length} files, ${Math.round(tarball.size / 1024)} kB`);
  const strays = tarball.files.filter(({ path }) => /\.test\.|^(src|test|scripts|bench)\//.test(path));
  if (strays.length > 0) throw new Error(`the tarball holds ${strays.map(({ path }) => path).join(', ')}`);
  npm('init', '--yes');
  npm('install', '--ignore-scripts', join(folder, tarball.filename));

  const howdah = join(folder, 'node_modules/.bin/howdah');
  const run = (...args) => execFileSync(howdah, args, { cwd: folder, env: environment, encoding: 'utf8' });
  expect(run('--version').trim(), `howdah ${tarball.version}`);
  const { tools } = JSON.parse(run('tools', '--json'));
  expect(tools.length >= 17, true);
  expect(/shop-standby/.test(await askDemo(howdah)), true);
  expect(await openingOf(howdah), 'howdah');
  say('the package works');
} catch (error) {
  say(`the package does not work: ${error.message}\n${error.stdout ?? ''}${error.stderr ?? ''}`);
  exit(1);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Starts the demo, asks it for its servers over HTTP with the key that it prints, and stops it. */
async function askDemo(howdah) {
  const demo = spawn(execPath, [howdah, 'demo', '--port', '0'], { cwd: folder, env: environment });
  const exited = new Promise((resolve) => demo.once('exit', resolve));
  try {
    const { url, key } = await greetingOf(demo);
    const params = { name: 'list_servers', arguments: {} };
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${key}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params }),
    });
    return await response.text();
  } finally {
    demo.kill('SIGTERM');
    expect(await exited, 0);
  }
}

/** Where the demo serves, and its key; fails with what it said when it ends before that. */
function greetingOf(demo) {
  return new Promise((resolve, reject) => {
    let said = '';
    const listen = (chunk) => {
      said += chunk;
      const url = /ready on (http:\S+)/.exec(said)?.[1];
      const key = /^Key\s+(hdh_\w+)$/m.exec(said)?.[1];
      if (url && key) resolve({ url, key });
    };
    demo.stdout.on('data', listen);
    demo.stderr.on('data', listen);
    demo.once('exit', () => reject(new Error(`the demo did not start: ${said}`)));
  });
}

/** Opens an MCP connection and gives the name that the server answers with. */
async function openingOf(howdah) {
  const server = spawn(execPath, [howdah, 'stdio'], {
    cwd: folder,
    env: environment,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'package', version: '0' } };
  server.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params })}\n`);
  try {
    for await (const line of createInterface({ input: server.stdout })) return JSON.parse(line).result.serverInfo.name;
    throw new Error('the server closed the connection');
  } finally {
    const exited = new Promise((resolve) => server.once('exit', resolve));
    server.stdin.end();
    await exited;
  }
}

function expect(actual, expected) {
  if (actual !== expected) throw new Error(`expected ${expected}, got ${actual}`);
}

function say(text) {
  stdout.write(`${text}\n`);
}
