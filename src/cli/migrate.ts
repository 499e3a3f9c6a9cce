import { PlatformError } from '../core/errors.ts';
import { withHowdah } from './local-howdah.ts';
import type { Shell } from './shell.ts';

/** Opening the store migrates it; what that did is on record in it. */
export function migrate(shell: Shell): Promise<number> {
  return withHowdah(shell, { embeddedStore: 'made', mendsPersonas: true }, ({ platform: { store } }) => {
    if (store === undefined) {
      throw new PlatformError(
        'CONFIG_INVALID',
        'There is no store: store.embedded is false and store.url is not set.',
        {
          hint: 'Set store.url, or leave store.embedded out.',
        },
      );
    }
    const { migrated } = store;
    const { screen, json } = shell;
    if (json) screen.printJson({ applied: migrated?.applied ?? [], version: migrated?.version ?? null });
    else if (migrated === undefined) screen.print('The store is up to date.');
    else if (migrated.applied.length === 0) screen.print(`The store is up to date: schema ${migrated.version}.`);
    else screen.print(`The store has the schema ${migrated.version} now: ${migrated.applied.join(', ')}.`);
    return Promise.resolve(0);
  });
}
