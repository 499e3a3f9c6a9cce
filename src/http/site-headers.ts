import type { Headers } from './exchange.ts';

const YEAR_S = 31_536_000;

/** Headers of every answer. */
export function siteHeaders(isTls: boolean): Headers {
  return {
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
    ...(isTls && { 'Strict-Transport-Security': `max-age=${YEAR_S}` }),
  };
}
