import { z } from 'zod';
import { formatSetting } from '../configuration/setting-value.ts';
import { defineTool, limitInput, readParts, statementLength, statementsOf, tellWithheld } from '../kit/index.ts';
import { judgeTemporary, unlisted } from './judge-temporary.ts';
import { databases, live, parallelWorkers, settings, statements } from './temporary-parts.ts';
import { UNREADABLE_TEXTS } from '../statements/not-recorded.ts';
import { temporarySetting } from './temporary-row.ts';

const PARTS = { live, parallelWorkers, databases, statements, settings };
const GIBIBYTE = 2 ** 30;
const size = z.number().min(0);
const statementRow = statements.shape.omit({ texts_read: true });

export default defineTool({
  name: 'temporary_files',
  area: 'storage',
  title: 'Temporary files',
  description: 'Temporary files now and who writes them; how much by database and statement; settings.',
  input: {
    statement_length: statementLength.removeDefault().default(120),
    limit: limitInput(10),
  },
  thresholds: {
    // https://www.postgresql.org/docs/current/runtime-config-resource.html#GUC-TEMP-FILE-LIMIT
    max_session_size: size.default(5 * GIBIBYTE).describe('Warn of sessions with larger files now, in bytes.'),
    max_size_per_hour: size.default(10 * GIBIBYTE).describe('Report databases that write more an hour.'),
  },
  clusterWide: true,
  sees: [{ what: 'texts of other roles’ statements', privilege: 'pg_read_all_stats' }],
  output: {
    settings: z.array(z.object(temporarySetting)),
    rows: z.array(live.shape).describe('The largest first.'),
    truncated: z.boolean(),
    databases: z.array(databases.shape).describe('Those that have written any.'),
    statements: z.array(statementRow).describe('Those that have written most.'),
  },
  statements: statementsOf(PARTS),
  async run({ limit, statement_length: length, ...thresholds }, target, { persona, statementTexts }) {
    const masking = { texts: statementTexts, length };
    const { facts, parts, unreadable, withheld } = await readParts(target, PARTS, { limit: limit + 1 }, masking);
    const shown = parts.settings.map(({ name, value, source }) => ({ name, value, source }));
    const formatted = parts.settings.map(({ unit, value, ...setting }) => ({
      ...setting,
      value: formatSetting(value, unit),
    }));
    return {
      settings: formatted,
      rows: parts.live.slice(0, limit),
      truncated: parts.live.length > limit,
      databases: parts.databases.slice(0, limit),
      statements: parts.statements.slice(0, limit).map((row) => statementRow.parse(row)),
      facts,
      findings: judgeTemporary(
        { live: parts.live, databases: parts.databases, settings: shown },
        thresholds,
        facts.service,
      ),
      not_examined: [
        ...[...withheld].flatMap(([what, count]) => tellWithheld(count, persona.name, [what])),
        ...unreadable,
        ...(parts.statements[0]?.texts_read === false ? [UNREADABLE_TEXTS] : []),
        ...unlisted({ parallelWorkers: parts.parallelWorkers[0]?.workers ?? 0, settings: shown }),
      ],
    };
  },
});
