import { expect, it } from 'vitest';
import { changeSettings } from './setting-change.ts';

it('changes settings by ALTER SYSTEM and a reload', () => {
  expect(changeSettings(null, [{ name: 'work_mem', value: "'64MB'", note: 'for each sort' }])).toBe(
    "ALTER SYSTEM SET work_mem = '64MB'; -- for each sort\nSELECT pg_reload_conf();",
  );
});

it('says that one of them takes a restart', () => {
  const changes = [
    { name: 'max_connections', value: '200', restart: true },
    { name: 'work_mem', value: "'8MB'" },
  ];
  expect(changeSettings(null, changes)).toBe(
    "ALTER SYSTEM SET max_connections = 200;\nALTER SYSTEM SET work_mem = '8MB';\n-- comes into force with a restart",
  );
});

it('advises what a managed service allows', () => {
  const text = changeSettings('rds', [
    { name: 'max_connections', value: '200', restart: true, note: 'each takes memory' },
  ]);
  expect(text).toBe(
    '-- Amazon RDS has no ALTER SYSTEM: set it in the DB parameter group of the instance, which takes a restart\n-- max_connections = 200; each takes memory',
  );
});
