import { describe, expect, it } from 'vitest';
import type { ConnectionFacts, RoleFacts } from '../postgres/database.ts';
import { diagnose, unseen, type Reading } from './doctor-findings.ts';

const plain: RoleFacts = {
  name: 'howdah',
  superuser: false,
  createRole: false,
  createDatabase: false,
  replication: false,
  bypassRls: false,
  predefinedRoles: ['pg_monitor', 'pg_read_all_settings', 'pg_read_all_stats', 'pg_stat_scan_tables'],
  effectiveRoles: ['pg_monitor', 'pg_read_all_settings', 'pg_read_all_stats', 'pg_stat_scan_tables'],
};
const facts = (role: Partial<RoleFacts> = {}, more: Partial<ConnectionFacts> = {}): ConnectionFacts => ({
  versionNum: 160_004,
  major: 16,
  version: '16.4',
  inRecovery: false,
  service: null,
  database: 'shop',
  role: { ...plain, ...role },
  ...more,
});
const good: Reading = {
  preload: 'pg_stat_statements',
  track_io_timing: true,
  statements_version: '1.10',
  statements_available: true,
  encrypted: true,
  over_network: true,
  writable_tables: 0,
};

function judged(reading: Reading): unknown[] {
  return diagnose(facts(), reading, 0).map(({ severity, object }) => [severity, object]);
}

describe('the doctor', () => {
  it('finds a monitoring login in order', () => {
    expect(diagnose(facts(), good, 100)).toEqual([
      {
        severity: 'ok',
        claim: 'The login sees what the diagnostics need, and has no right that they do not need.',
        object: '"howdah"',
        evidence: {},
      },
    ]);
    expect(unseen(facts(), good)).toEqual([]);
  });

  it('finds the login in order when only something else is not, and never one that may write', () => {
    expect(judged({ ...good, writable_tables: 1 })).toEqual([['notice', '"howdah"']]);
    expect(judged({ ...good, statements_version: null })).toEqual([
      ['warning', 'pg_stat_statements'],
      ['ok', '"howdah"'],
    ]);
  });

  it('prints the role to make in the place of a superuser', () => {
    const [finding] = diagnose(facts({ superuser: true }), good, 0);
    expect(finding).toMatchObject({ severity: 'warning', object: '"howdah"' });
    expect(finding?.next_step).toContain('CREATE ROLE howdah LOGIN CONNECTION LIMIT 8;\nGRANT pg_monitor TO howdah;');
  });

  it('takes back attributes and memberships, of a role whose name needs quotes too', () => {
    const role = {
      name: 'a"b',
      createRole: true,
      bypassRls: true,
      predefinedRoles: [...plain.predefinedRoles, 'pg_write_all_data'],
    };
    expect(diagnose(facts(role), good, 0)[0]?.next_step).toBe(
      'ALTER ROLE "a""b" NOCREATEROLE NOBYPASSRLS;\n' +
        'REVOKE pg_write_all_data FROM "a""b"; -- or from the role through which it is a member',
    );
  });

  it('says what a plain login does not see, and grants it', () => {
    const role = { predefinedRoles: [], effectiveRoles: [] };
    expect(diagnose(facts(role), good, 0)).toMatchObject([
      { claim: 'The login sees its own sessions and statements only.', next_step: 'GRANT pg_monitor TO "howdah";' },
    ]);
    expect(unseen(facts(role), { ...good, preload: null }).map(({ what }) => what)).toEqual([
      "Other sessions' statements and waits",
      'Settings that may hold secrets',
    ]);
  });

  it('names each preloaded library by a literal of its own, or the server would not start', () => {
    const reading = { ...good, preload: 'auto_explain, "a,b"', statements_version: null };
    const [finding] = diagnose(facts(), { ...reading, preload: 'auto_explain, timescaledb' }, 0);
    expect(finding?.next_step?.split('\n')).toEqual([
      "ALTER SYSTEM SET shared_preload_libraries = 'auto_explain', 'timescaledb', 'pg_stat_statements';",
      '-- comes into force with a restart',
      'CREATE EXTENSION pg_stat_statements; -- in database "shop"',
    ]);
  });

  it('asks for the extension alone where the library is loaded', () => {
    const [finding] = diagnose(facts(), { ...good, statements_version: null }, 0);
    expect(finding?.next_step).toBe('CREATE EXTENSION pg_stat_statements; -- in database "shop"');
  });

  it('changes no setting that the operator of a managed service keeps', () => {
    const lacking = { ...good, preload: '', statements_version: null, track_io_timing: false };
    const steps = diagnose(facts({}, { service: 'rds' }), lacking, 0).map(({ next_step = '' }) => next_step);
    expect(steps.join('\n')).not.toMatch(/^ALTER SYSTEM/m);
    expect(steps.join('\n')).toContain('Amazon RDS has no ALTER SYSTEM');
  });

  it('does not guess what is preloaded when it may not see it', () => {
    expect(diagnose(facts(), { ...good, preload: null }, 0)).toMatchObject([{ severity: 'ok' }]);
  });

  it('notices unencrypted connections over a network, clocks that differ, and untimed I/O', () => {
    const reading = { ...good, encrypted: false, track_io_timing: false };
    expect(
      diagnose(facts(), reading, -5000).map(({ severity, object, evidence }) => [severity, object, evidence]),
    ).toEqual([
      ['notice', 'track_io_timing', { track_io_timing: false }],
      ['notice', undefined, { encrypted: false }],
      ['notice', undefined, { skew_ms: -5000 }],
      ['ok', '"howdah"', {}],
    ]);
    expect(diagnose(facts(), { ...good, encrypted: false, over_network: false }, 0)).toMatchObject([
      { severity: 'ok' },
    ]);
  });
});
