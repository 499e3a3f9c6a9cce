import { mayAnyoneCall, NOBODY } from './auth-checks.ts';
import { isLoopback, parseListen } from './http-section.ts';
import type { Config } from './schema.ts';

/** What is allowed and hardly meant. `isWritten`: whether the file says anything of `http`. */
export function findHttpWarnings({ auth, telemetry }: Config, isWritten: boolean): string[] {
  const { listen } = telemetry.metrics;
  return [
    ...(isWritten && !mayAnyoneCall(auth) ? [`auth ${NOBODY}.`] : []),
    ...(listen === 'off' || isLoopback(parseListen(listen))
      ? []
      : [
          `telemetry.metrics.listen is beyond this machine: whoever reaches ${listen} may read /metrics, without a credential and unencrypted; let only Prometheus reach it.`,
        ]),
  ];
}
