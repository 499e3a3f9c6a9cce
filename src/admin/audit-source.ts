import type { StoreReader } from '../audit/store-reader.ts';
import type { KnownOperations } from './audit-filters.ts';
import { noStore } from './no-store.ts';

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
  throw noStore('the audit log is kept in files, which `howdah audit tail` and `export` read');
}
