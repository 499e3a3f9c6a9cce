import { expect, it } from 'vitest';
import type { ExtensionRow } from './extension-row.ts';
import { judgeLibraries } from './judge-libraries.ts';

const missing: ExtensionRow = {
  extension: 'pg_cron',
  version: '1.6',
  default_version: '1.6',
  update_path: null,
  newest_version: '1.6',
  schema: 'pg_catalog',
  owner: 'postgres',
  relocatable: false,
  trusted: false,
  library: 'missing',
  comment: null,
};
const stepOf = (extension: string, preloaded: string[], service: Parameters<typeof judgeLibraries>[2] = null) =>
  judgeLibraries([{ ...missing, extension }], { preloaded }, service)[0]?.next_step?.split('\n') ?? [];

it('says nothing of what is loaded, is not needed or is not visible', () => {
  for (const library of ['loaded', 'not visible', null] as const) {
    expect(judgeLibraries([{ ...missing, library }], { preloaded: [] }, null)).toEqual([]);
  }
});

it('loads a library beside those that are loaded', () => {
  expect(stepOf('pg_cron', ['auto_explain', 'pgaudit'])[2]).toBe(
    "ALTER SYSTEM SET shared_preload_libraries = 'auto_explain', 'pgaudit', 'pg_cron';",
  );
  expect(stepOf('pg_cron', [])[2]).toBe("ALTER SYSTEM SET shared_preload_libraries = 'pg_cron';");
});

it('leaves the paths of those that are loaded, and says what a missing file does', () => {
  const [, warning, change] = stepOf('pg_cron', ['/opt/vendor/lib/x.so', '$libdir/auto_explain']);
  expect(warning).toMatch(/^-- .* from starting: .* on each standby$/);
  expect(change).toBe(
    "ALTER SYSTEM SET shared_preload_libraries = '/opt/vendor/lib/x.so', '$libdir/auto_explain', 'pg_cron';",
  );
});

it.each(['timescaledb', 'citus'])('loads %s before all others, as it asks', (extension) => {
  expect(stepOf(extension, ['auto_explain'])[2]).toBe(
    `ALTER SYSTEM SET shared_preload_libraries = '${extension}', 'auto_explain';`,
  );
});

it('advises no ALTER SYSTEM where a service forbids it', () => {
  expect(stepOf('pg_cron', [], 'rds').join()).not.toMatch(/^ALTER/m);
});
