/** `npm start` on a machine that has nothing but Node.js. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Finding } from '../src/contract/finding.ts';

let state: string;
beforeAll(() => {
  state = mkdtempSync(join(tmpdir(), 'howdah-demo-'));
});
afterAll(() => rmSync(state, { recursive: true, force: true }));

function runDemo(...options: string[]) {
  const main = join(import.meta.dirname, '../src/main.ts');
  return spawnSync(process.execPath, ['--import', 'tsx', main, 'demo', ...options], {
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
}

it(
  'the demo finds what is wrong with its shop, says how to go on, and leaves nothing running',
  { timeout: 90_000 },
  () => {
    const { status, stdout, stderr } = runDemo();
    expect(stderr).toContain('The demo is over and its server stopped');
    expect(status).toBe(0);
    expect(stdout).toMatch(/^monitor@\S+\/shop {2}PostgreSQL 18\.[^\n]+\n\nGrade [DF] /);
    expect(stdout).toMatch(/^CRITICAL {2}Session \d+ blocks 6 sessions/m);
    expect(stdout).toContain('SELECT pg_terminate_backend(');
    expect(stdout.split('\n').length).toBeLessThanOrEqual(46);
    expect(existsSync(join(state, 'demo/data/postmaster.pid'))).toBe(false);
  },
);

it('the demo finds every problem that is planted in the schema', { timeout: 90_000 }, () => {
  const { findings } = JSON.parse(runDemo('--json').stdout) as { findings: (Finding & { tool: string })[] };
  const planted = (tool: string) =>
    findings
      .filter((finding) => finding.tool === tool)
      .map(({ severity, object, next_step }) => [severity, object, next_step]);
  expect(planted('duplicate_indexes')).toEqual([
    ['warning', '"public"."orders_customer_idx"', 'DROP INDEX CONCURRENTLY "public"."orders_customer_idx";'],
  ]);
  expect(planted('invalid_indexes')).toEqual([
    [
      'warning',
      '"public"."customers_email_key"',
      expect.stringContaining('REINDEX INDEX CONCURRENTLY "public"."customers_email_key";'),
    ],
  ]);
  expect(planted('foreign_keys_without_index')).toEqual([
    ['warning', '"public"."order_items"', 'CREATE INDEX CONCURRENTLY ON "public"."order_items" ("product_id");'],
  ]);
  expect(planted('sequence_exhaustion')).toEqual([
    ['critical', '"public"."invoices_id_seq"', expect.stringContaining('ALTER COLUMN "id" TYPE bigint;')],
  ]);
});
