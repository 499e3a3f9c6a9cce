import { changeSettings, comment, type ConnectionFacts, type Finding } from '../kit/index.ts';
import { percentOf } from './fold-load.ts';
import type { Costs } from './load-row.ts';

/** Less than this is not worth anybody's time, whatever the share. */
const MUCH_MS = 60_000;

interface Thresholds {
  readonly max_jit_percent: number;
  readonly max_planning_percent: number;
}

interface Server {
  readonly service: ConnectionFacts['service'];
  readonly jit_above_cost?: number;
}

/** Of all statements together. */
export function judgeLoad(totals: Costs, input: Thresholds, server: Server): Finding[] {
  return [...judgeJit(totals, input.max_jit_percent, server), ...judgePlanning(totals, input.max_planning_percent)];
}

function judgeJit({ jit_ms, total_ms }: Costs, maxPercent: number, server: Server): Finding[] {
  const percent = percentOf(jit_ms, total_ms);
  if (percent === null || (jit_ms ?? 0) < MUCH_MS || percent <= maxPercent) return [];
  const { service, jit_above_cost } = server;
  // what is negative compiles nothing
  const dearer =
    jit_above_cost === undefined || jit_above_cost < 0 ? null : String(Math.max(1_000_000, 2 * jit_above_cost));
  return [
    {
      severity: 'notice',
      claim: `Compiling (JIT) takes ${percent} % of the time of all statements.`,
      object: '"jit_above_cost"',
      evidence: { jit_ms, total_ms, jit_percent: percent, jit_above_cost: jit_above_cost ?? null },
      // the cost from which on it compiles is 100,000 by default
      why: 'https://www.postgresql.org/docs/current/jit-decision.html',
      next_step: [
        comment('top_statements with order_by jit names them; a higher cost spares the quick ones'),
        ...(dearer === null ? [] : [changeSettings(service, [{ name: 'jit_above_cost', value: dearer }])]),
      ].join('\n'),
    },
  ];
}

function judgePlanning({ planning_ms, total_ms }: Costs, maxPercent: number): Finding[] {
  const percent = percentOf(planning_ms, (planning_ms ?? 0) + (total_ms ?? 0));
  if (percent === null || (planning_ms ?? 0) < MUCH_MS || percent <= maxPercent) return [];
  return [
    {
      severity: 'notice',
      claim: `Planning takes ${percent} % of the time of all statements; prepared ones are planned less often.`,
      evidence: { planning_ms, total_ms, planning_percent: percent },
      why: 'https://www.postgresql.org/docs/current/sql-prepare.html',
      next_step: comment('top_statements with order_by planning names them; drivers prepare where they are asked to'),
    },
  ];
}
