import { z } from 'zod';
import { maskSetting } from '../../sqltext/secret-settings.ts';
import { defineTool, limitInput, readParts, statementsOf } from '../kit/index.ts';
import { judgeSettings, settings as dangerous } from '../server/settings.ts';
import { judgeQuestionable, questionable } from './questionable.ts';
import {
  askOperator,
  givenOf,
  hiddenByLogin,
  judgeReview,
  REVIEWED,
  reviewSettings,
  type ReviewedSetting,
} from './review.ts';
import { reviewCounters, reviewed } from './review-facts.ts';
import { vacuumMemory, workMemory } from './review-memory.ts';
import { STORAGES, VERDICTS, WORKLOADS, type Given } from './review-rule.ts';

const PARTS = { reviewed, reviewCounters, dangerous, questionable };
const bytes = z.number().min(0).meta({ unit: 'bytes' });

const row = z.object({
  setting: z.string(),
  value: z.string().nullable(),
  verdict: z.enum(VERDICTS),
  suggested: z.string().nullable().describe('Null where it is fine, or the operator has to say.'),
  reason: z.string().nullable(),
  docs: z.string().nullable(),
});

const budget = z.object({
  shared_buffers: bytes,
  sessions: bytes.describe('work_mem of max_connections at once; a plan may take it several times.'),
  autovacuum: bytes.describe('Of all its workers at once.'),
  percent: z.number().nullable().meta({ unit: 'percent' }).describe('All three, of the memory of the machine.'),
});

export default defineTool({
  name: 'configuration_review',
  area: 'configuration',
  title: 'Configuration review',
  description: 'Settings judged, with better values, for the machine and workload that you describe.',
  input: {
    memory: z.int().min(0).optional().describe('Bytes.'),
    cpus: z.int().min(0).optional(),
    storage: z.enum(STORAGES).optional(),
    workload: z.enum(WORKLOADS).optional(),
    limit: limitInput(),
  },
  output: {
    rows: z.array(row).describe('Risks first, then advice, then what needs to be told more, then what is fine.'),
    truncated: z.boolean(),
    total: z.int().min(0),
    memory: budget.describe('What the settings allow to be taken.'),
  },
  sees: [{ what: 'settings that only privileged roles may see', privilege: 'pg_read_all_settings' }],
  statements: statementsOf(PARTS),
  async run({ limit, memory, cpus, storage, workload }, target) {
    const { facts, parts, unreadable } = await readParts(target, PARTS, { names: REVIEWED });
    const [counters] = parts.reviewCounters;
    const given = givenOf(parts.reviewed, {
      memory: memory === 0 ? undefined : memory,
      cpus: cpus === 0 ? undefined : cpus,
      storage,
      workload,
      major: facts.major,
      standby: facts.inRecovery,
      checkpoints: counters ?? null,
      slots: counters?.slots ?? 0,
    });
    const rows = reviewSettings(parts.reviewed, given);
    return {
      rows: rows.slice(0, limit).map(showRow),
      truncated: rows.length > limit,
      total: rows.length,
      memory: budgetOf(given),
      facts,
      findings: [
        ...judgeSettings(parts.dangerous, facts.service),
        ...judgeQuestionable(parts.questionable),
        ...judgeReview(rows, facts.service),
      ],
      not_examined: [...unreadable, ...hiddenByLogin(parts.reviewed), ...askOperator(rows)],
    };
  },
});

function showRow({ setting, value, verdict, suggested, reason, docs }: ReviewedSetting): z.output<typeof row> {
  return {
    setting,
    value: maskSetting(setting, value),
    verdict,
    suggested: suggested ?? null,
    reason: reason ?? null,
    docs: verdict === 'ok' ? null : docs,
  };
}

function budgetOf(given: Given): z.output<typeof budget> {
  const parts = {
    shared_buffers: given.amount('shared_buffers'),
    sessions: workMemory(given),
    autovacuum: vacuumMemory(given),
  };
  const all = parts.shared_buffers + parts.sessions + parts.autovacuum;
  return { ...parts, percent: given.memory === undefined ? null : Math.round((all / given.memory) * 1000) / 10 };
}
