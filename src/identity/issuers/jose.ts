import type * as Jose from 'jose';

let loading: Promise<typeof Jose> | undefined;

/** Loaded with the first token or key: what serves nobody over HTTP must start without it. */
export function loadJose(): Promise<typeof Jose> {
  loading ??= import('jose');
  return loading;
}
