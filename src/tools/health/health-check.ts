import { z } from 'zod';
import { Finding } from '../../contract/finding.ts';
import { Grade } from '../../contract/grade.ts';
import type { CompiledPersona } from '../../policy/policy.ts';
import { examined } from '../kit/answer.ts';
import { AREAS, commonOutput, requestOf, requireTarget, type Tool } from '../kit/tool.ts';
import { briefly, brieflyNotExamined, inFull } from './brief.ts';
import { mergeExaminations, type Checkup } from './checkup.ts';
import { examine, type Examination } from './examine.ts';

const count = z.int().min(0);
/** In lists of tools, the names of all areas would cost more than the rest. */
const Area = z.string().refine((name) => AREAS.some((area) => area === name), {
  error: `is no area; there are: ${AREAS.join(', ')}`,
});

const answer = z.object({
  summary: z.string(),
  ...commonOutput,
  findings: z.array(
    Finding.extend({
      tool: z.string(),
      more: count.optional().describe('Further findings of this kind, which the tool has.'),
    }),
  ),
  grade: Grade.nullable().describe('Null when nothing could be examined.'),
  examined: count.describe('Diagnostics that answered.'),
  asked: count,
  areas: z.partialRecord(z.enum(AREAS), Grade).describe('Those of which something was examined.'),
  omitted: z
    .array(z.object({ tool: z.string(), severity: z.string(), findings: count }))
    .describe('What there was no room for.'),
  in_order: z.array(z.string()).optional().describe('What was examined and found in order.'),
  skipped: z
    .array(z.object({ tools: z.array(z.string()), reason: z.string(), remedy: z.string().optional() }))
    .describe('Diagnostics that were left out.'),
  answers: z.array(z.object({ tool: z.string(), answer: z.unknown() })).optional(),
});

export type HealthAnswer = z.output<typeof answer>;

/** Makes the tool that runs the others: all that judge, need no argument, and are open to the caller. */
export function createHealthCheck(tools: readonly Tool[]): Tool {
  const examiners = AREAS.flatMap((area) => tools.filter((tool) => tool.area === area && isExaminer(tool)));
  return {
    kind: 'tool',
    name: 'health_check',
    area: 'server',
    accessClass: 'diagnostic',
    title: 'Health check',
    description:
      'Runs all diagnostics within a time limit: grades by area, the worst findings first, what was skipped and why.',
    alsoKnownAs: {},
    reaches: 'server',
    statements: [],
    ...requestOf(
      {
        timeoutS: 20,
        judges: false,
        cost: 'Runs every diagnostic that judges, three at a time.',
      },
      {
        areas: z.array(Area).min(1).optional(),
        detail: z
          .enum(['brief', 'full', 'answers'])
          .default('brief')
          .describe('full: every finding; answers: what each tool answered, too.'),
      },
    ),
    output: answer,
    async run(context) {
      const { areas, detail } = context.input as { areas?: readonly string[]; detail: 'brief' | 'full' | 'answers' };
      const { server, database } = requireTarget(context);
      const wanted = examiners.filter(({ area }) => areas?.includes(area) ?? true);
      const open = wanted.filter((tool) => context.persona.operation(tool).allowed);
      const examinations = await examine(open, context);
      const checkup = mergeExaminations(examinations);
      const { findings, omitted } = detail === 'brief' ? briefly(checkup.groups) : inFull(checkup.groups);
      return {
        summary: summarise(checkup),
        server: server.name,
        database,
        findings,
        grade: checkup.grade,
        examined: checkup.examined,
        asked: checkup.asked,
        areas: checkup.areas,
        omitted,
        ...(detail !== 'brief' && { in_order: checkup.inOrder }),
        skipped: [...withheldFrom(context.persona, wanted, open), ...checkup.skipped],
        ...examined(detail === 'brief' ? brieflyNotExamined(checkup.notExamined) : checkup.notExamined),
        ...(detail === 'answers' && { answers: examinations.flatMap(answerOf) }),
      };
    },
  };
}

function isExaminer({ reaches, judges, input }: Tool): boolean {
  return reaches === 'server' && judges !== false && input.safeParse({}).success;
}

function summarise({ grade, groups, ...counts }: Checkup): string {
  const kinds = ['critical', 'warning', 'notice'].flatMap((severity) => {
    const count = groups.filter((group) => group.severity === severity).length;
    return count === 0 ? [] : [`${count} ${severity}`];
  });
  const found = kinds.length === 0 ? 'nothing to mend' : `${kinds.join(', ')} kinds of problem`;
  return `Grade ${grade ?? '–'}: ${found}; ${counts.examined} of ${counts.asked} diagnostics answered.`;
}

function withheldFrom({ name }: CompiledPersona, wanted: readonly Tool[], open: readonly Tool[]): Checkup['skipped'] {
  const closed = wanted.filter((tool) => !open.includes(tool)).map((tool) => tool.name);
  return closed.length === 0
    ? []
    : [{ tools: closed, reason: `The persona ${JSON.stringify(name)} does not allow them.` }];
}

function answerOf(examination: Examination): { tool: string; answer: unknown }[] {
  return examination.state === 'answered' ? [{ tool: examination.tool.name, answer: examination.output }] : [];
}
