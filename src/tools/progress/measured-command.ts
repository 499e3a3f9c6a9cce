import { z } from 'zod';
import { runningCommands, type RunningCommand } from './running-command.ts';

/** Units that are worked off one after the other, so that their number tells the time that is left. */
const EVEN: ReadonlySet<string | null> = new Set(['blocks', 'tuples', 'bytes']);

const { pid, command, user, database, schema, table, toast, index, started_by, phase, ...others } =
  runningCommands.shape.shape;
const { memory_size: _size, backend_type: _type, backend_start: _start, state: _state, at: _at, ...shown } = others;

/** A command as the answer has it. */
export const measuredCommand = {
  pid,
  command,
  user,
  database,
  schema,
  table,
  toast,
  index,
  started_by,
  phase,
  percent: z.number().nullable().meta({ unit: 'percent' }).describe('Of this phase.'),
  per_s: z.number().nullable().describe('Between two looks; with interval_ms 0, since the command began.'),
  remaining_s: z.number().nullable().meta({ unit: 's' }).describe('Of this phase, at this rate.'),
  ...shown,
};
export type MeasuredCommand = z.output<z.ZodObject<typeof measuredCommand>>;

/** `before` are those of an earlier look; undefined where there was none. */
export function measure(now: RunningCommand, before: readonly RunningCommand[] | undefined): MeasuredCommand {
  const { memory_size: _memory, backend_type: _backend, backend_start: _began, state: _does, at: _when, ...row } = now;
  const per_s = rateOf(now, before);
  return {
    ...row,
    percent: now.done === null || now.total === null ? null : Math.round((10_000 * now.done) / now.total) / 100,
    per_s,
    remaining_s:
      per_s === null || per_s === 0 || now.total === null
        ? null
        : Math.round(Math.max(0, now.total - (now.done ?? 0)) / per_s),
  };
}

function rateOf(now: RunningCommand, before: readonly RunningCommand[] | undefined): number | null {
  if (!EVEN.has(now.unit) || now.done === null) return null;
  if (before === undefined) return perSecond(now.done, now.running_s ?? 0);
  const then = before.find((earlier) => isSamePhase(earlier, now));
  return !then || then.done === null ? null : perSecond(now.done - then.done, now.at - then.at);
}

function isSamePhase(a: RunningCommand, b: RunningCommand): boolean {
  return (
    a.pid === b.pid &&
    a.backend_start === b.backend_start &&
    a.command === b.command &&
    a.table === b.table &&
    a.index === b.index &&
    a.phase === b.phase &&
    a.steps_done === b.steps_done
  );
}

function perSecond(done: number, seconds: number): number | null {
  return seconds <= 0 || done < 0 ? null : Math.round((100 * done) / seconds) / 100;
}
