import type { EmbeddedUse } from '../store/open-store.ts';
import { withHowdah } from './local-howdah.ts';
import { printOutcome } from './print-outcome.ts';
import type { Shell } from './shell.ts';

/** What administers Howdah uses a store that is there, and works while the personas in it let nothing else start. */
export const ADMINISTERING = { embeddedStore: 'found', mendsPersonas: true } as const;

interface Administering {
  /** Exit code 1 where this is not true in the answer. */
  readonly holds?: string;
  readonly embeddedStore?: EmbeddedUse;
}

/** Runs an operation as `admin` and prints its answer. */
export function administer(
  shell: Shell,
  name: string,
  given: object,
  { holds, ...start }: Administering = {},
): Promise<number> {
  return withHowdah(shell, { ...ADMINISTERING, ...start }, async (howdah) => {
    const outcome = await howdah.administer({ name, arguments: given });
    printOutcome(shell, outcome);
    return holds === undefined || (outcome.ok && outcome.output[holds] === true) ? 0 : 1;
  });
}
