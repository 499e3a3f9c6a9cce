import { z } from 'zod';
import { PlatformError } from '../../core/errors.ts';
import {
  defineTool,
  limitInput,
  onPrimary,
  readParts,
  statementsOf,
  type ConnectionFacts,
  type NotExamined,
} from '../kit/index.ts';
import { readHba } from './hba-right.ts';
import { hbaRules, identMaps, mayReadHba, showAddress } from './hba-rule.ts';
import { CONCERNS, type JudgedRule } from './hba-verdict.ts';
import { without } from './page.ts';
import { judgeHba, judgeIdent } from './judge-hba.ts';

const row = hbaRules.shape.omit({ netmask: true }).extend({
  concern: z.enum(CONCERNS).nullable(),
  covered_by: z
    .int()
    .nullable()
    .describe('The line of an earlier rule that decides on all that would come to this one.'),
});

export default defineTool({
  name: 'hba_rules',
  area: 'security',
  title: 'Authentication rules',
  description: 'Rules of pg_hba.conf, judged: who may connect from where and how; errors, rules never reached.',
  clusterWide: true,
  input: { limit: limitInput() },
  output: {
    rows: z
      .array(row)
      .describe('The files as they are now, errors first; what changed since the last reload is not in force.'),
    truncated: z.boolean(),
    total: z.int().min(0),
    ident_maps: z
      .array(identMaps.shape)
      .nullable()
      .describe('Null where the login may not read them, and before PostgreSQL 15.'),
  },
  statements: statementsOf({ mayReadHba, hbaRules, identMaps }),
  async run({ limit }, target, { persona }) {
    const { facts, parts } = await readParts(target, { mayReadHba }, {});
    const { rules, maps, unreadable } = await readHba(target, parts.mayReadHba, { facts, persona: persona.name });
    if (rules === null && maps === null) throw notVisible(unreadable, facts);
    const files = new Set(rules?.map(({ file }) => file));
    return {
      rows: (rules ?? []).slice(0, limit).map((rule) => showRule(rule, files.size > 1)),
      truncated: (rules?.length ?? 0) > limit,
      total: rules?.length ?? 0,
      ident_maps: maps?.slice(0, limit) ?? null,
      facts,
      findings: [...judgeHba(rules ?? []), ...judgeIdent(maps ?? [])],
      not_examined: [...unreadable],
    };
  },
});

function showRule(rule: JudgedRule, manyFiles: boolean): z.output<typeof row> {
  return {
    ...without(rule, 'netmask', 'reach'),
    file: manyFiles ? rule.file : null,
    address: showAddress(rule),
  };
}

function notVisible([gap]: readonly NotExamined[], facts: ConnectionFacts): PlatformError {
  const hint = gap?.remedy === undefined ? undefined : onPrimary(gap.remedy, facts);
  return new PlatformError('UNSUPPORTED', gap?.reason ?? 'The rules cannot be read.', { hint });
}
