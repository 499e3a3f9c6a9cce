import { defineConfig } from 'vitest/config';

const OFFLINE = [
  'src/**/*.test.ts',
  'scripts/**/*.test.ts',
  'test/architecture.test.ts',
  'test/attacks.test.ts',
  'test/errors-reference.test.ts',
  'test/guard-{abuse,built-ins,cases,docs,documented,fuzz}.test.ts',
  'test/http-{abuse,credential,drain,edge,tls}.test.ts',
  'test/persona-{attacks,matrix,revoked}.test.ts',
];

export default defineConfig({
  test: {
    // Most of the time goes by in waiting, and the files share the servers: more would only crowd them.
    maxWorkers: 2,
    projects: [
      { test: { name: 'unit', include: OFFLINE, pool: 'forks', isolate: false, testTimeout: 20_000 } },
      {
        test: {
          name: 'postgres',
          include: ['test/**/*.test.ts'],
          exclude: ['**/node_modules/**', 'test/long/**', ...OFFLINE],
          globalSetup: ['test/built-program.ts', 'test/postgres/clusters.ts'],
          pool: 'forks',
          isolate: false,
          testTimeout: 20_000,
          hookTimeout: 60_000, // a standby may be behind
          expect: { poll: { timeout: 10_000 } }, // how soon something must happen is asserted on its own
        },
      },
      {
        // minutes each: `npm test` leaves them out
        test: {
          name: 'long',
          include: ['test/long/**/*.test.ts'],
          globalSetup: ['test/built-program.ts', 'test/postgres/clusters.ts'],
          pool: 'forks',
          fileParallelism: false,
          testTimeout: 1_800_000,
          hookTimeout: 600_000,
        },
      },
    ],
    coverage: { provider: 'v8', include: ['src/**'] },
  },
});
