import { readPackageFacts } from '../core/package-root.ts';

/** The version of this package. */
export function readVersion(): string {
  return readPackageFacts().version;
}
