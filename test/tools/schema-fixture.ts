import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll } from 'vitest';
import { useClone, type Clone } from '../postgres/clone.ts';
import type { Cluster } from '../postgres/clusters.ts';
import { runAs } from '../postgres/platform.ts';

/** A clone with the objects of `fixtures/<area>.sql` beside those of the common fixture; call the result inside of tests only. */
export function useCloneWith(cluster: Cluster, area: 'schema' | 'partitions'): () => Clone {
  const clone = useClone(cluster);
  const statements = readFileSync(join(import.meta.dirname, 'fixtures', `${area}.sql`), 'utf8');
  beforeAll(() => runAs(clone().superuserUrl, statements));
  return clone;
}
