import { userInfo } from 'node:os';

/** The operating-system user; a container may run as one that has no name. */
export function osUser(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}
