import { z } from 'zod';
import type { WalMoment } from './wal-position.ts';

/** A moment more or less makes no difference to anybody. */
const rounded = (value: number) => Math.round(value * 1000) / 1000;

export const walRate = z.object({
  of: z.enum(['written', 'received']).describe('A standby receives what its primary writes.'),
  interval_s: z.number().meta({ unit: 's' }).describe('Between the two looks.'),
  size: z.int().meta({ unit: 'bytes' }).describe('WAL in that time.'),
  size_per_s: z.number().meta({ unit: 'bytes' }),
  replayed_per_s: z.number().nullable().meta({ unit: 'bytes' }).describe('On a standby.'),
});
export type WalRate = z.output<typeof walRate>;

/** Null where nothing can be said: a look failed, or the server was promoted between the two. */
export function rateBetween(before: WalMoment | undefined, after: WalMoment | undefined): WalRate | null {
  if (!before || !after || before.standby !== after.standby) return null;
  const seconds = after.at_s - before.at_s;
  if (before.bytes === null || after.bytes === null || seconds <= 0) return null;
  const size = Math.max(0, after.bytes - before.bytes);
  const replayed =
    before.replayed_bytes === null || after.replayed_bytes === null
      ? null
      : after.replayed_bytes - before.replayed_bytes;
  return {
    of: after.standby ? 'received' : 'written',
    interval_s: rounded(seconds),
    size,
    size_per_s: rounded(size / seconds),
    replayed_per_s: after.standby && replayed !== null ? rounded(replayed / seconds) : null,
  };
}
