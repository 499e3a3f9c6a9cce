import { z } from 'zod';
import type { CallContext } from '../calls/context.ts';
import { PlatformError } from '../core/errors.ts';
import { limitInput, nameInput } from './kit/inputs.ts';
import { AREAS, type Area, type Tool } from './kit/tool.ts';

const row = z.object({
  area: z.enum(AREAS),
  tool: z.string(),
  answers: z.string(),
  inputs: z.array(z.string()).describe('Beside `server`, `database` and `limit`.'),
});
type Row = z.output<typeof row>;

const SHARED: ReadonlySet<string> = new Set(['server', 'database', 'limit', 'timeout_s']);

/** Makes the tool that finds tools, of those that the caller may call. */
export function createGuide(tools: readonly Tool[]): Tool {
  return {
    kind: 'tool',
    name: 'guide',
    area: 'server',
    accessClass: 'schema',
    title: 'Guide to the tools',
    description: 'Which tool answers what, by area or by words of the question.',
    alsoKnownAs: { get_prompt_template: { section: 'topic' } },
    reaches: 'nothing',
    statements: [],
    unlisted: ['mode'],
    input: z.strictObject({
      topic: nameInput.describe('An area, its number, or words.'),
      mode: z.enum(['tools', 'headings', 'full']).default('tools'),
      limit: limitInput(100),
    }),
    output: z.object({
      areas: z.array(z.object({ number: z.int(), area: z.enum(AREAS), tools: z.int() })),
      rows: z.array(row),
      truncated: z.boolean(),
      total: z.int(),
    }),
    run(context) {
      const { topic, mode, limit } = context.input as { topic?: string; mode: string; limit: number };
      const open = tools.filter((tool) => context.persona.operation(tool).allowed);
      const areas = AREAS.map((area, i) => {
        return { number: i + 1, area, tools: open.filter((tool) => tool.area === area).length };
      }).filter((area) => area.tools > 0);
      const found = mode === 'headings' ? [] : describe(search(open, topic));
      if (topic !== undefined && found.length === 0 && mode !== 'headings') throw nothingFor(topic, context);
      return Promise.resolve({
        areas,
        rows: found.slice(0, limit),
        truncated: found.length > limit,
        total: found.length,
      });
    },
  };
}

/** By area; within it, as the catalogue has them. */
function describe(tools: readonly Tool[]): Row[] {
  return AREAS.flatMap((area) =>
    tools
      .filter((tool) => tool.area === area)
      .map(({ name, description, input, unlisted = [] }) => ({
        area,
        tool: name,
        answers: description,
        inputs: Object.keys(input.shape).filter((key) => !SHARED.has(key) && !unlisted.includes(key)),
      })),
  );
}

/** Every word must be somewhere in what is said of a tool. */
function search(tools: readonly Tool[], topic: string | undefined): readonly Tool[] {
  if (topic === undefined) return tools;
  const area: Area | undefined = AREAS.find(
    (each, i) => each === topic.replaceAll(' ', '_') || topic === String(i + 1),
  );
  if (area !== undefined) return tools.filter((tool) => tool.area === area);
  const words = topic
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word.length > 1);
  const ranked = tools
    .map((tool) => ({ tool, hits: words.filter((word) => sayingsOf(tool).includes(word)).length }))
    .filter(({ hits }) => hits > 0)
    .toSorted((a, b) => b.hits - a.hits);
  return ranked.filter(({ hits }) => hits === ranked[0]?.hits).map(({ tool }) => tool);
}

function sayingsOf({ name, area, title, description }: Tool): string {
  return `${name} ${area} ${title} ${description}`.toLowerCase();
}

function nothingFor(topic: string, { persona }: CallContext): PlatformError {
  return new PlatformError('NOT_FOUND', `No tool that you may call says anything of ${JSON.stringify(topic)}.`, {
    hint: `Leave "topic" out to see all that the persona "${persona.name}" may call.`,
  });
}
