import { PlatformError } from '../core/errors.ts';
import type { Store } from '../store/open-store.ts';

/** Fails with UNSUPPORTED where only files are kept. */
export function requireStore(store: Store | undefined): Store {
  if (store !== undefined) return store;
  throw new PlatformError('UNSUPPORTED', 'There is no store here: the audit log is kept in files.', {
    hint: 'Set store.url, or run this where `howdah serve` keeps its store.',
  });
}
