import { z } from 'zod';
import { defineTool, pause, readParts, statementsOf, tellWithheld, type NotExamined } from '../kit/index.ts';
import { judgeCommands } from './judge-commands.ts';
import { measure, measuredCommand } from './measured-command.ts';
import { runningCommands } from './running-command.ts';

const PARTS = { runningCommands };

export default defineTool({
  name: 'command_progress',
  area: 'progress',
  title: 'Progress of commands',
  description:
    'Running VACUUM, ANALYZE, CREATE INDEX, CLUSTER, COPY, base backups: phase, percent, time left, blockers.',
  alsoKnownAs: { get_running_vacuum_operations: { database_name: 'database' } },
  waitsS: ({ interval_ms }) => Number(interval_ms) / 1000,
  seldom: ['interval_ms'],
  input: {
    interval_ms: z
      .int()
      .min(0)
      .max(10_000)
      .default(1000)
      .describe('Between two looks, if something runs; 0: one look.'),
    limit: z.int().min(1).max(500).default(20),
  },
  thresholds: {
    min_wait_s: z.number().min(0).default(60).describe('Warn of commands that have waited longer for others.'),
    max_index_rounds: z.int().min(2).default(2).describe('Warn when VACUUM goes through the indexes as often.'),
  },
  output: {
    rows: z.array(z.object(measuredCommand)).describe('The longest running first.'),
    truncated: z.boolean(),
  },
  sees: [{ what: 'progress of other roles’ commands', privilege: 'pg_read_all_stats' }],
  statements: statementsOf(PARTS),
  async run({ interval_ms, limit, ...thresholds }, target, context) {
    const look = () => readParts(target, PARTS, { limit: limit + 1 });
    const first = await look();
    const again = interval_ms > 0 && first.parts.runningCommands.length > 0;
    if (again) await pause(context, interval_ms);
    const { facts, parts, unreadable, withheld } = again ? await look() : first;
    const commands = parts.runningCommands.slice(0, limit);
    const before = again ? first.parts.runningCommands : undefined;
    return {
      rows: commands.map((command) => measure(command, before)),
      truncated: parts.runningCommands.length > limit,
      facts,
      findings: judgeCommands(commands, thresholds, facts),
      not_examined: [
        ...tellWithheld(withheld.get(runningCommands.what) ?? 0, context.persona.name),
        ...unreadable,
        ...silentBefore(facts.major),
      ],
    };
  },
});

/** https://www.postgresql.org/docs/current/progress-reporting.html */
function silentBefore(major: number): NotExamined[] {
  const reports = [
    [13, 'ANALYZE and base backups'],
    [14, 'COPY'],
  ] as const;
  return reports
    .filter(([since]) => major < since)
    .map(([since, what]) => ({ what, reason: `They report their progress from PostgreSQL ${since} on.` }));
}
