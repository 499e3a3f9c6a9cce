import {
  CLIENT_CAPABILITIES_META_KEY,
  CLIENT_INFO_META_KEY,
  LOG_LEVEL_META_KEY,
  PROTOCOL_VERSION_META_KEY,
} from '@modelcontextprotocol/server';
import { isRecord } from '../../core/record.ts';
import { isLogLevel } from '../log-messages.ts';

const CAPABILITIES = ['experimental', 'sampling', 'elicitation', 'roots', 'extensions'];

/** Each key of the envelope of 2026-07-28 and what holds of its value; `undefined` is a key that is not there. */
const RULES: readonly (readonly [key: string, holds: (value: unknown) => boolean, rule: string])[] = [
  [PROTOCOL_VERSION_META_KEY, (value) => typeof value === 'string', 'must be a text'],
  [CLIENT_CAPABILITIES_META_KEY, areCapabilities, 'must be an object of objects'],
  [CLIENT_INFO_META_KEY, isClientInfo, 'must have a name and a version'],
  [LOG_LEVEL_META_KEY, (value) => value === undefined || isLogLevel(value), 'must be a log level'],
];

/** What is wrong with the `_meta` of a request as an envelope; undefined if nothing is. */
export function envelopeProblem(meta: Readonly<Record<string, unknown>>): string | undefined {
  for (const [key, holds, rule] of RULES) if (!holds(meta[key])) return `"${key}" ${rule}`;
  return undefined;
}

function areCapabilities(value: unknown): boolean {
  return isRecord(value) && CAPABILITIES.every((name) => value[name] === undefined || isRecord(value[name]));
}

function isClientInfo(value: unknown): boolean {
  if (value === undefined) return true;
  return isRecord(value) && typeof value['name'] === 'string' && typeof value['version'] === 'string';
}
