import { z } from 'zod';
import type { CallContext } from '../../src/calls/context.ts';
import type { Operation } from '../../src/calls/operation.ts';
import type { ContentBlock } from '../../src/contract/content.ts';

/** A PNG of one red pixel. */
export const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==';
/** A WAV without a sample. */
export const WAV = 'UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA=';

type Blocks = readonly ContentBlock[];

/** A tool of the suite: an ordinary operation whose answer is content. */
export function fixture(
  name: string,
  run: (context: CallContext) => Blocks | Promise<Blocks>,
  input: z.ZodRawShape = {},
  more: Partial<Operation> = {},
): Operation {
  return {
    kind: 'tool',
    name,
    area: 'server',
    accessClass: 'diagnostic',
    title: name,
    description: `What the conformance suite expects of ${name}.`,
    input: z.strictObject(input),
    output: z.object({ content: z.array(z.unknown()) }),
    reaches: 'nothing',
    alsoKnownAs: {},
    run: async (context) => ({ content: await run(context) }),
    present: ({ content }) => content as Blocks,
    structured: false,
    ...more,
  };
}

export function text(words: string): ContentBlock {
  return { type: 'text', text: words };
}
