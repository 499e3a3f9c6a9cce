/**
 * Builds dist/ from src/: few files in place of some two hundred, since a client waits for every start and opening a
 * module costs more than running it. Dependencies stay outside, as npm installed them. Another directory than dist/
 * can be given.
 */
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const [, , outdir = `${root}dist`] = process.argv;
rmSync(outdir, { recursive: true, force: true });
await build({
  absWorkingDir: root,
  entryPoints: {
    main: 'src/main.ts',
    // a thread of its own: `parser.ts` looks for it beside itself
    'parser-worker': 'src/sqltext/parser-worker.ts',
  },
  outdir,
  bundle: true,
  splitting: true,
  packages: 'external',
  platform: 'node',
  format: 'esm',
  target: 'node20',
  sourcemap: true,
  logLevel: 'warning',
});
