import { setMaxListeners } from 'node:events';
import { pause } from './session.ts';

/** Something that happens on the servers; it ends its sessions itself. */
export type Scene = (signal: AbortSignal) => Promise<void>;

const INTERMISSION_MS = 1000;

/**
 * Plays scenes side by side, each again when it has ended. One that fails begins anew after a moment: its server was
 * restarted, or somebody did what a finding advises and ended one of its sessions.
 */
export function playScenes(scenes: readonly Scene[]): { stop(): Promise<void> } {
  const over = new AbortController();
  setMaxListeners(50, over.signal); // each session of each scene is one
  const playing = scenes.map(async (scene) => {
    while (!over.signal.aborted) {
      await scene(over.signal).catch(() => undefined);
      await pause(INTERMISSION_MS, over.signal).catch(() => undefined);
    }
  });
  return {
    stop: async () => {
      over.abort();
      await Promise.all(playing);
    },
  };
}
