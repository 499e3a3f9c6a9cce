/** Values that PostgreSQL has given up as its default, kept by configuration files that were carried along. */

import { improve, OK, type Given, type Opinion, type Rule } from './review-rule.ts';

interface OldDefault {
  /** As SHOW writes it. */
  readonly was: string;
  readonly is: string;
  readonly since: number;
}

/** https://www.postgresql.org/docs/release/ */
const OLD_DEFAULTS: Readonly<Record<string, OldDefault>> = {
  autovacuum_vacuum_cost_delay: { was: '20ms', is: '2ms', since: 12 },
  checkpoint_completion_target: { was: '0.5', is: '0.9', since: 14 },
  effective_io_concurrency: { was: '1', is: '16', since: 18 },
  hash_mem_multiplier: { was: '1', is: '2', since: 15 },
  log_autovacuum_min_duration: { was: '-1', is: '10min', since: 15 },
  log_checkpoints: { was: 'off', is: 'on', since: 15 },
  maintenance_io_concurrency: { was: '10', is: '16', since: 18 },
  password_encryption: { was: 'md5', is: 'scram-sha-256', since: 14 },
  ssl_min_protocol_version: { was: 'TLSv1', is: 'TLSv1.2', since: 13 },
  vacuum_buffer_usage_limit: { was: '256kB', is: '2MB', since: 17 },
};

/** Settings of which nothing else is said. */
export const DEFAULT_RULES: readonly Rule[] = [
  { setting: 'hash_mem_multiplier', page: 'resource', judge: () => OK },
  { setting: 'maintenance_io_concurrency', page: 'resource', judge: () => OK },
  { setting: 'ssl_min_protocol_version', page: 'connection', judge: () => OK },
  { setting: 'vacuum_buffer_usage_limit', page: 'resource', judge: () => OK },
];

/** Advice where somebody set what was the default once; undefined of any other value. */
export function judgeOldDefault(name: string, value: string | null, given: Given): Opinion | undefined {
  const old = OLD_DEFAULTS[name];
  if (!old || given.major < old.since || value !== old.was || !given.isSet(name)) return undefined;
  return improve(old.is, `It was the default before PostgreSQL ${old.since}; an old file may have kept it.`);
}
