import { PlatformError } from '../core/errors.ts';
import type { Path } from './tree.ts';

/** One thing that is wrong with the configuration. `message` continues the path and ends with what to do. */
export interface Problem {
  /** Dotted, such as `servers.shop.url`; empty for the whole. */
  readonly path: string;
  readonly message: string;
}

/** More problems than this are counted only. */
const SHOWN = 100;
/** A key of this shape can be shown; anything else may be a secret that slipped into the place of a key. */
const SHOWABLE_KEY = /^[\p{L}_][\p{L}\p{N}_-]{0,62}$/u;

/** All problems of a source in one error. */
export function createConfigError(source: string, problems: readonly Problem[]): PlatformError {
  const shown = problems.slice(0, SHOWN);
  const lines = shown.map(({ path, message }) => (path === '' ? message : `${path} ${message}`));
  if (problems.length > SHOWN) lines.push(`and ${problems.length - SHOWN} more`);
  const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`;
  return new PlatformError(
    'CONFIG_INVALID',
    `${source} has ${count}:\n${lines.map((line) => `  ${line}`).join('\n')}`,
    {
      hint: '`howdah config schema` prints every key; `howdah config check` checks a file without starting anything.',
      details: { problems: shown },
    },
  );
}

export function formatPath(path: Path): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`;
    return text === '' ? formatKey(key) : `${text}.${formatKey(key)}`;
  }, '');
}

export function formatKey(key: PropertyKey): string {
  return SHOWABLE_KEY.test(String(key)) ? String(key) : '(not a name)';
}
