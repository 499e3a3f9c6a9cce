import { describe, expect, it } from 'vitest';
import { PlatformError } from '../../core/errors.ts';
import type { ConnectionFacts, ReadOnlySession } from '../../postgres/database.ts';
import { sql } from '../../postgres/sql.ts';
import { byExtensionVersion } from '../../postgres/version.ts';
import { explainExtension, findExtension } from './extension.ts';

const primary = { inRecovery: false, service: null, database: 'shop', role: { name: 'howdah' } } as ConnectionFacts;
const standby = { ...primary, inRecovery: true };

/** How a diagnostic says what it needs. */
function hintFor(sqlstate: string, facts: ConnectionFacts): string {
  const cause = new PlatformError('QUERY_FAILED', 'refused', { details: { sqlstate } });
  const extension = { name: 'pg_stat_statements', version: '1.10', schema: 'public' };
  return (explainExtension(cause, { subject: 'It', extension, facts }) as PlatformError).hint ?? '';
}

/** A database that lacks every extension. */
function lacking(facts: ConnectionFacts): ReadOnlySession {
  const fields = ['name', 'version', 'schema'].map((name) => ({ name, typeOid: 25 }));
  return { facts, query: () => Promise.resolve({ fields, rows: [], command: 'SELECT 0' }) };
}

describe('what an extension needs', () => {
  it('is created on the primary', async () => {
    const variants = byExtensionVersion('pg_stat_statements', { '1.7': sql`select` });
    await expect(findExtension('It', variants, lacking(primary))).rejects.toMatchObject({
      hint: expect.stringMatching(/^CREATE EXTENSION pg_stat_statements;/),
    });
    await expect(findExtension('It', variants, lacking(standby))).rejects.toMatchObject({
      hint: expect.stringMatching(/^-- on the primary:\nCREATE EXTENSION pg_stat_statements;/),
    });
  });

  it('is granted on the primary', () => {
    expect(hintFor('42501', primary)).toBe('GRANT USAGE ON SCHEMA "public" TO "howdah";');
    expect(hintFor('42501', standby)).toBe('-- on the primary:\nGRANT USAGE ON SCHEMA "public" TO "howdah";');
  });

  it('is loaded by the server that lacks it, as far as its operator lets anybody', () => {
    const hint = hintFor('55000', standby);
    expect(hint).toContain('\nALTER SYSTEM SET shared_preload_libraries = …, pg_stat_statements;');
    expect(hint).not.toContain('on the primary');
    expect(hintFor('55000', { ...primary, service: 'rds' })).not.toMatch(/^ALTER SYSTEM/m);
  });
});
