import { expect, it } from 'vitest';
import { MONITORING_ROLE } from '../kit/index.ts';
import { judgeExtensions, judgeLogin, judgeSettings, showSettings } from './settings.ts';

const setting = (name: string, value: string, more = {}) => ({
  name,
  value,
  source: 'configuration file',
  pending_restart: false,
  dangerous: true,
  ...more,
});
const login = {
  name: 'monitor',
  superuser: false,
  createRole: false,
  createDatabase: false,
  replication: false,
  bypassRls: false,
  predefinedRoles: ['pg_monitor'],
  effectiveRoles: ['pg_monitor'],
};

it('advises the safe value of each dangerous setting', () => {
  const findings = judgeSettings(
    [setting('fsync', 'off'), setting('zero_damaged_pages', 'on'), setting('autovacuum', 'off')],
    null,
  );
  expect(findings.map(({ severity, next_step }) => [severity, next_step?.split('\n')[0]])).toEqual([
    ['critical', 'ALTER SYSTEM SET fsync = on;'],
    ['critical', 'ALTER SYSTEM SET zero_damaged_pages = off;'],
    ['warning', 'ALTER SYSTEM SET autovacuum = on;'],
  ]);
});

const stepFor = (source: string) => judgeSettings([setting('track_counts', 'off', { source })], null)[0]?.next_step;

it('advises no ALTER SYSTEM where the command line or a database has precedence', () => {
  expect(stepFor('default')).toContain('ALTER SYSTEM SET track_counts = on;');
  expect(stepFor('command line')).toMatch(/^SELECT (?!.*ALTER SYSTEM).*\n-- set where the server is started/);
  expect(stepFor('database')).toMatch(/^SELECT (?!.*ALTER SYSTEM).*\n-- ALTER DATABASE … RESET track_counts/);
});

it('says what is left to do once fsync is on again', () => {
  expect(judgeSettings([setting('fsync', 'off')], null)[0]?.next_step).toMatch(/pg_reload_conf\(\);\n-- then run sync/);
});

it('counts settings that wait for a restart, and hides values that may be secret', () => {
  const waiting = [
    setting('primary_conninfo', 'host=db password=hunter2', { pending_restart: true, dangerous: false }),
    setting('shared_buffers', '1GB', { pending_restart: true, dangerous: false }),
  ];
  expect(judgeSettings(waiting, null)).toEqual([
    expect.objectContaining({
      severity: 'notice',
      evidence: { count: 2, settings: 'primary_conninfo, shared_buffers' },
    }),
  ]);
  const [secret, size] = showSettings(waiting).map(({ value }) => value);
  expect(secret).not.toContain('hunter2');
  expect(size).toBe('1GB');
});

it('reports extensions that the server has newer', () => {
  const extension = { extension: 'postgis-x', schema: 'public', version: '3.3', available: '3.3', update_path: null };
  expect(judgeExtensions([extension, { ...extension, available: null }])).toEqual([]);
  expect(judgeExtensions([{ ...extension, available: '3.4', update_path: false }])).toEqual([]);
  expect(judgeExtensions([{ ...extension, available: '3.4', update_path: true }])).toEqual([
    expect.objectContaining({ severity: 'notice', next_step: 'ALTER EXTENSION "postgis-x" UPDATE;' }),
  ]);
});

it('reports a login that may do more than it needs', () => {
  expect(judgeLogin(login)).toEqual([]);
  expect(judgeLogin({ ...login, superuser: true })).toMatchObject([
    { claim: expect.stringContaining('superuser'), next_step: MONITORING_ROLE },
  ]);
  // which nobody but a superuser may set
  expect(MONITORING_ROLE).toMatch(/^-- as superuser.*temp_file_limit/m);
  expect(
    judgeLogin({ ...login, replication: true, predefinedRoles: ['pg_monitor', 'pg_read_all_data'] }),
  ).toMatchObject([
    {
      evidence: { superuser: false, attributes: 'REPLICATION', member_of: 'pg_read_all_data' },
      next_step: expect.stringMatching(/^ALTER ROLE "monitor" NOREPLICATION;\nREVOKE pg_read_all_data FROM "monitor";/),
    },
  ]);
  expect(judgeLogin({ ...login, createDatabase: true })).toHaveLength(1);
});
