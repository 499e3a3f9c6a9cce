import { PlatformError } from '../core/errors.ts';
import type { Store } from '../store/open-store.ts';

/** `instead` ends the sentence: what there is where only files are kept. */
export function noStore(instead: string): PlatformError {
  return new PlatformError('UNSUPPORTED', `There is no store here: ${instead}.`, {
    hint: 'Set store.url. Or run `howdah migrate` once, unless store.embedded is false: it makes a store for `howdah serve`, `audit` and `persona`.',
  });
}

/** Fails with UNSUPPORTED where only files are kept. */
export function requireStore(store: Store | undefined): Store {
  if (store === undefined) throw noStore('the audit log is kept in files');
  return store;
}
