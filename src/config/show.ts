import type { Config } from './schema.ts';

/** The configuration as plain values with its defaults; secrets are `[redacted]`. */
export function showConfig(config: Config): unknown {
  return JSON.parse(JSON.stringify(config));
}
