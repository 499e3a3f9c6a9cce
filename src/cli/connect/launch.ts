import { join, resolve } from 'node:path';
import { execPath } from 'node:process';
import { findPackageRoot } from '../../core/package-root.ts';
import type { Launch } from './clients.ts';

export const PLACEHOLDER = 'postgresql://USER:PASSWORD@HOST:5432/DATABASE';

/**
 * Absolute paths, since desktop programs lack a shell's PATH. The connection comes from the configuration file; without
 * one a placeholder stands for it: no password is taken from the environment into a file.
 */
export function describeLaunch(config: string | undefined): Launch {
  const main = join(findPackageRoot(), 'dist/main.js');
  if (config !== undefined) return { command: execPath, args: [main, 'stdio', '--config', resolve(config)] };
  return { command: execPath, args: [main, 'stdio'], env: { DATABASE_URL: PLACEHOLDER } };
}
