/** `npm start` on a machine that has nothing but Node.js. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';

let state: string;
beforeAll(() => {
  state = mkdtempSync(join(tmpdir(), 'howdah-demo-'));
});
afterAll(() => rmSync(state, { recursive: true, force: true }));

it(
  'the demo finds what is wrong with its shop, says how to go on, and leaves nothing running',
  { timeout: 90_000 },
  () => {
    const main = join(import.meta.dirname, '../src/main.ts');
    const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', main, 'demo'], {
      // a password or a mode of TLS that is meant for another server must not matter
      env: {
        PATH: String(process.env['PATH']),
        HOME: state,
        HOWDAH_STATE: state,
        PGSSLMODE: 'verify-full',
        PGPORT: '1',
      },
      encoding: 'utf8',
      timeout: 80_000,
    });
    expect(stderr).toContain('The demo is over and its server stopped');
    expect(status).toBe(0);
    expect(stdout).toMatch(/^monitor@\S+\/shop {2}PostgreSQL 18\.[^\n]+\n\nGrade [DF] /);
    expect(stdout).toMatch(/^CRITICAL {2}Session \d+ blocks 6 sessions/m);
    expect(stdout).toContain('SELECT pg_terminate_backend(');
    expect(stdout.split('\n').length).toBeLessThanOrEqual(46);
    expect(existsSync(join(state, 'demo/data/postmaster.pid'))).toBe(false);
  },
);
