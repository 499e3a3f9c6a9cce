/**
 * Builds dist/ from src/: few files in place of some two hundred, since a client waits for every start and opening a
 * module costs more than running it. Dependencies stay outside, as npm installed them; of what only development
 * installs, dist/ holds the part that is used. Another directory than dist/ can be given.
 */
import { readFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const [, , outdir = `${root}dist`] = process.argv;
const { dependencies } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
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
  external: Object.keys(dependencies),
  platform: 'node',
  format: 'esm',
  target: 'node20',
  sourcemap: true,
  logLevel: 'warning',
});
