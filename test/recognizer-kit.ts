/** Tokens of a small issuer, recognized by a clock that tests move. */
import { Config } from '../src/config/schema.ts';
import { createIssuers } from '../src/identity/issuers/issuers.ts';
import type { Recognition } from '../src/identity/bearer.ts';
import { createLogger } from '../src/telemetry/logger.ts';
import type { Issuer, SignOptions } from './issuer-kit.ts';

export const HOME = '127.0.0.1';

export function startRecognizer(
  issuer: Issuer,
  entry: Record<string, unknown> = {},
  personas: Record<string, unknown> = {},
) {
  let now = Date.now();
  const log: Record<string, unknown>[] = [];
  const logger = createLogger('info', { isTerminal: false, write: (line) => log.push(JSON.parse(line)) });
  const issuers = createIssuers({ publicUrl: 'https://howdah.example.org', logger, now: () => now });
  const configOf = (more: Record<string, unknown>) =>
    Config.parse({ auth: { oidc: [{ issuer: issuer.url, role_prefix: 'howdah-', ...more }] }, personas });
  const recognizer = issuers.use(configOf(entry));
  return {
    issuers,
    log,
    configOf,
    recognizer,
    pass: (ms: number) => (now += ms),
    now: () => now,
    call: async (claims: Record<string, unknown> = {}, options?: SignOptions): Promise<Recognition> =>
      recognizer.recognize(await issuer.sign(claims, options), HOME),
  };
}

export const refused = (detail: string) => ({ refused: 'unrecognized', detail });
