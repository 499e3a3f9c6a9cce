import { describe, expect, it } from 'vitest';
import { onPrimary } from './on-primary.ts';

const standby = { inRecovery: true };

describe('onPrimary', () => {
  it.each([
    'VACUUM (ANALYZE) "shop"."orders";',
    'ANALYZE;',
    'REINDEX INDEX CONCURRENTLY "shop"."orders_pkey";',
    'ALTER TABLE "shop"."orders" SET (fillfactor = 90);',
    'GRANT pg_monitor TO "howdah";',
    "UPDATE pg_database SET datistemplate = false WHERE datname = 'x';",
    "-- when its transaction manager has forgotten it, in its database: ROLLBACK PREPARED 'gid';",
    '-- VACUUM FULL locks it',
    '-- DROP INDEX CONCURRENTLY "shop"."unused"; takes no lock',
    "SELECT format('REINDEX INDEX CONCURRENTLY %s;', indexrelid::regclass) FROM pg_index;",
    '-- of all databases: vacuumdb --all',
  ])('says of a standby where to follow %s', (step) => {
    expect(onPrimary(step, standby)).toBe(`-- on the primary:\n${step}`);
    expect(onPrimary(step, { inRecovery: false })).toBe(step);
    expect(onPrimary(step, undefined)).toBe(step);
  });

  it.each([
    'SELECT pg_terminate_backend(7);',
    "ALTER SYSTEM SET work_mem = '64MB';\nSELECT pg_reload_conf();",
    'SELECT pg_wal_replay_resume();',
    'SHOW shared_preload_libraries;',
    'EXPLAIN (ANALYZE, BUFFERS) SELECT 1;',
    'SELECT * FROM "DROP"."ALTER TABLE x;";',
    "SELECT * FROM pg_stat_activity WHERE query = '; DROP TABLE x;';",
    '-- VACUUM gives way, and then it must finish; who asks for a lock:\nSELECT 1;',
    '-- snapshot: VACUUM on the primary removed rows that a query here could still see',
  ])('leaves what a standby can do itself: %s', (step) => {
    expect(onPrimary(step, standby)).toBe(step);
  });

  it('leaves what comes before on the standby, and the comments with what they introduce', () => {
    const look = 'SELECT count(*) FROM "t";';
    const create = '-- measures it first\nCREATE EXTENSION pgstattuple;';
    expect(onPrimary(`${look}\n${create}`, standby)).toBe(`${look}\n-- on the primary:\n${create}`);
    expect(onPrimary(create, standby)).toBe(`-- on the primary:\n${create}`);
  });

  it('says nothing twice', () => {
    const step = '-- on the primary, in database "shop"\nANALYZE;';
    expect(onPrimary(step, standby)).toBe(step);
  });
});
