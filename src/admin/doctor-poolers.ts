import { z } from 'zod';
import type { ReachedDatabase, ReachedPooler } from '../calls/context.ts';
import type { Finding } from '../contract/finding.ts';
import { PlatformError } from '../core/errors.ts';
import { quoteIdentifier } from '../postgres/sql.ts';

/** A PgBouncer of the configuration, when its admin console was asked just now. */
export const pooler = {
  pooler: z.string(),
  address: z.string(),
  reachable: z.boolean(),
  version: z.string().nullable(),
};

interface Visits {
  readonly rows: readonly z.output<z.ZodObject<typeof pooler>>[];
  readonly findings: readonly Finding[];
}

/** Whether the consoles of all poolers let us in; never rejects for one that does not. */
export async function visitPoolers({ poolers }: ReachedDatabase): Promise<Visits> {
  const visits = await Promise.all(poolers.map(visit));
  return { rows: visits.map(({ row }) => row), findings: visits.map(({ finding }) => finding) };
}

async function visit(visited: ReachedPooler): Promise<{ row: Visits['rows'][number]; finding: Finding }> {
  const { name, address } = visited;
  const object = quoteIdentifier(name);
  try {
    const version = await visited.read((session) => Promise.resolve(session.version));
    const claim = `PgBouncer ${version} lets us look at its pools.`;
    return {
      row: { pooler: name, address, reachable: true, version },
      finding: { severity: 'ok', claim, object, evidence: { address } },
    };
  } catch (error) {
    if (!(error instanceof PlatformError) || error.code === 'CANCELLED') throw error;
    return {
      row: { pooler: name, address, reachable: false, version: null },
      finding: {
        severity: 'warning',
        claim: `The PgBouncer cannot be asked: ${error.message}`,
        object,
        evidence: { address },
        ...(error.hint !== undefined && { next_step: error.hint }),
      },
    };
  }
}
