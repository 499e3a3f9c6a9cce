import {
  changeSettings,
  comment,
  gather,
  quoteName,
  type ConnectionFacts,
  type Finding,
  type NotExamined,
} from '../kit/index.ts';
import type { AboutFunctions, FunctionRow } from './function-row.ts';

/** A mean of fewer calls is an anecdote. */
const MANY_CALLS = 10;

export function judgeFunctions(rows: readonly FunctionRow[], slowMs: number): Finding[] {
  return gather(
    rows.filter(({ calls, mean_self_ms }) => calls >= MANY_CALLS && (mean_self_ms ?? 0) > slowMs).map(slow),
    (count) => `${count} functions are slow on average.`,
  );
}

function slow(row: FunctionRow): Finding {
  const { calls, mean_self_ms, self_ms, self_percent } = row;
  const object = quoteName(row.schema, row.function);
  return {
    severity: 'notice',
    claim: `${object}(${row.arguments ?? ''}) takes ${mean_self_ms} ms on average, over ${calls} calls.`,
    object,
    evidence: { mean_self_ms, calls, self_ms, self_percent },
    why: 'https://www.postgresql.org/docs/current/auto-explain.html',
    next_step: [
      comment('in a session that calls it, as a superuser: the plans of what it runs go to the log'),
      "LOAD 'auto_explain';",
      'SET auto_explain.log_min_duration = 100;',
      'SET auto_explain.log_nested_statements = on;',
    ].join('\n'),
  };
}

/** https://www.postgresql.org/docs/current/runtime-config-statistics.html#GUC-TRACK-FUNCTIONS */
export function notTracked(
  { track_functions }: AboutFunctions,
  { service }: Pick<ConnectionFacts, 'service'>,
): NotExamined[] {
  if (track_functions === 'all') return [];
  const isOff = track_functions === 'none';
  return [
    {
      what: isOff ? 'calls of functions' : 'calls of functions in SQL and C',
      reason: isOff
        ? 'The setting track_functions is none: nothing is counted.'
        : 'The setting track_functions is pl: only procedural languages are counted.',
      remedy: changeSettings(service, [
        { name: 'track_functions', value: isOff ? 'pl' : "'all'", note: 'costs a little with each call' },
      ]),
    },
  ];
}
