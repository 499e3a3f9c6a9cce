import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Mounting takes root, and a container that allows it. */
export function canMount(): boolean {
  const target = mkdtempSync(join(tmpdir(), 'howdah-mount-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', 'howdah-test', target], { stdio: 'ignore' });
    execFileSync('umount', [target]);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(target, { recursive: true });
  }
}
