import { hash } from 'node:crypto';
import { canonicalJson } from '../core/canonical-json.ts';
import { PlatformError } from '../core/errors.ts';
import { uuidv7 } from '../core/ids.ts';
import type { Store } from '../store/open-store.ts';
import type { AcceptedLoss } from './accepted.ts';
import { signBody } from './signed-body.ts';
import type { Lost } from './store-verify.ts';

interface Acceptance {
  /** What `verifyStore` found to be gone. */
  readonly lost: Lost;
  /** What whoever accepts it has seen of it: as `digestOf` gives it. */
  readonly seen: string;
  /** Who accepts it. */
  readonly by: string;
  readonly reason: string;
}

const INSERT = `insert into howdah.audit_accepted (id, at, body, key_id, signature) values ($1, $2, $3, $4, $5)`;

/**
 * Signs that the ends of chains and the checkpoints which are gone are known to be lost, so that `verify` goes on without
 * naming them. Nothing else that is broken can be accepted. Fails with NOT_FOUND where nothing is gone, and with CONFLICT
 * where it is something else than was seen.
 */
export async function acceptLoss(store: Pick<Store, 'exchange' | 'keys'>, given: Acceptance): Promise<AcceptedLoss> {
  const { lost, seen, by, reason } = given;
  const digest = digestOf(lost);
  if (digest === null) {
    throw new PlatformError('NOT_FOUND', 'Nothing at the end of a chain is missing.', {
      hint: 'Run `howdah audit verify`. What was changed or removed elsewhere in the log cannot be accepted.',
    });
  }
  if (digest !== seen) {
    throw new PlatformError('CONFLICT', 'What is missing now is not what you have seen.', {
      hint: 'Run `howdah audit verify` again, with the same checkpoints; look at what it names, and give its `lost`.',
    });
  }
  const at = new Date().toISOString();
  const loss: AcceptedLoss = {
    type: 'accepted',
    at,
    by,
    reason,
    chains: [...lost.chains],
    checkpoints: lost.checkpoints,
  };
  const { body, keyId, signature } = signBody(store.keys, loss);
  await store.exchange([{ text: INSERT, values: [uuidv7(), at, body, keyId, signature] }]);
  return loss;
}

/** SHA-256 of what is lost; null where nothing is. */
export function digestOf(lost: Lost): string | null {
  if (lost.chains.length === 0 && lost.checkpoints === null) return null;
  const chains = lost.chains.toSorted((a, b) => (a.chain < b.chain ? -1 : 1));
  return hash('sha256', canonicalJson({ ...lost, chains }));
}
