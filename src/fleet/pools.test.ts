import { execFileSync } from 'node:child_process';
import { execPath } from 'node:process';
import { expect, it } from 'vitest';

/** Opens a pool, and tells which modules of Node were loaded by then. */
const OPENER = `
  const { createPools, shareConnections } = await import(${JSON.stringify(new URL('pools.ts', import.meta.url).href)});
  const pools = createPools({ database: 'shop' }, shareConnections(1));
  await pools.open('shop');
  console.log(process.moduleLoadList.filter((name) => name.includes('undici')).join());
`;

it('loads the driver without loading fetch', () => {
  const args = ['--import', 'tsx', '--input-type=module', '-e', OPENER];
  expect(execFileSync(execPath, args, { encoding: 'utf8' }).trim()).toBe('');
});
