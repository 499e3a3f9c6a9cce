import type { StoreReader } from '../audit/store-reader.ts';
import { PlatformError } from '../core/errors.ts';
import type { KnownOperations } from './audit-filters.ts';

/** Where the audit log can be read. */
export interface AuditSource {
  /** Of the files of this machine. */
  readonly directory: string;
  /** Undefined where only files are kept. */
  readonly reader: () => StoreReader | undefined;
  readonly operations: KnownOperations;
}

/** Fails with UNSUPPORTED where only files are kept. */
export function requireReader({ reader }: AuditSource): StoreReader {
  const found = reader();
  if (found !== undefined) return found;
  throw new PlatformError('UNSUPPORTED', 'There is no store here, and files are not searched.', {
    hint: 'Set store.url, or run `howdah serve` or `howdah migrate` once, which make a store. `howdah audit tail` and `export` read files.',
  });
}
