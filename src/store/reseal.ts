import type { Job } from './jobs.ts';
import type { KeyRing } from './key-ring.ts';
import type { Store } from './open-store.ts';

const EVERY_MS = 60_000;
const BATCH = 100;

/**
 * Seals anew the secrets that a key of `secrets.previous` sealed. The key is needed still for what it signed and bound.
 * One that was changed in the meantime is left for the next turn.
 */
export function resealJob({ exchange, keys }: Pick<Store, 'exchange' | 'keys'>): Job {
  return {
    name: 'reseal',
    everyMs: EVERY_MS,
    async run() {
      const text = `select name, key_id, sealed from howdah.sealed where key_id <> $1 order by name limit ${BATCH}`;
      const [found] = await exchange([{ text, values: [keys.keyId] }]);
      for (const [name, keyId, sealed] of found?.rows ?? []) {
        await exchange([resealStep(keys, { name: name ?? '', keyId: keyId ?? '', sealed: sealed ?? '' })]);
      }
    },
  };
}

interface SealedRow {
  readonly name: string;
  readonly keyId: string;
  /** As PostgreSQL writes a bytea: `\x…`. */
  readonly sealed: string;
}

function resealStep(keys: KeyRing, { name, keyId, sealed }: SealedRow) {
  const plain = keys.open({ keyId, bytes: Buffer.from(sealed.slice(2), 'hex') }, name);
  const anew = keys.seal(plain, name);
  return {
    text: 'update howdah.sealed set key_id = $2, sealed = $3 where name = $1 and sealed = $4',
    values: [name, anew.keyId, `\\x${anew.bytes.toString('hex')}`, sealed],
  };
}
