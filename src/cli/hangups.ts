/** SIGHUP, which would end the process if nobody took it. */
export interface Hangups {
  /** Acts on each from now on, in place of what did before, and on those that came before anyone acted. */
  onHangup(act: () => void): void;
}

/** Takes SIGHUP from now until the process ends. */
export function takeHangups(): Hangups {
  let hasCome = false;
  let act = () => {
    hasCome = true;
  };
  process.on('SIGHUP', () => act());
  return {
    onHangup(next) {
      act = next;
      if (hasCome) act();
      hasCome = false;
    },
  };
}
