import type { CallOutcome } from '../../src/calls/execute.ts';

/** What a tool cannot do without, and what keeps one from taking its time. */
const INPUTS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  describe_table: { table: 'Order' },
  sample_wait_events: { seconds: 0.5, interval_ms: 50 },
  command_progress: { interval_ms: 100 },
  wal_status: { interval_ms: 100 },
};

export function inputFor(tool: string): Readonly<Record<string, unknown>> {
  return INPUTS[tool] ?? {};
}

/** Whether it answered, or said in words why this server cannot: of an older version, without an extension or a pooler. */
export function isAnswer(outcome: CallOutcome): boolean {
  return outcome.ok || (outcome.error.code === 'UNSUPPORTED' && outcome.error.message.length > 20);
}
