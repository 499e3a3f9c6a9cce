import { z } from 'zod';
import type { Operation } from '../../calls/operation.ts';
import type { CompiledPersona } from '../../policy/policy.ts';
import { pageOf } from '../cursor.ts';
import { describeTool, describeToolWithPurpose } from '../tool-entry.ts';
import type { ToolView } from '../tool-view.ts';
import { defineMethod } from './method.ts';

/** Many clients read the first page only, so that it has room for all tools. */
export const TOOLS_PER_PAGE = 200;

/** Where a list says how many there are that the persona may not have. */
export const WITHHELD_META_KEY = 'howdah/withheld';

export const cursorInput = { cursor: z.string().min(1).max(500).optional() } as const;

export function toolMethods(viewOf: (persona: CompiledPersona) => ToolView): readonly Operation[] {
  return [
    defineMethod({
      name: 'tools/list',
      title: 'List tools',
      description: 'The tools that the caller may call.',
      reveals: 'what_is_allowed',
      input: cursorInput,
      run({ cursor }, { persona }) {
        const { listed, withheld } = viewOf(persona);
        const { items, nextCursor } = pageOf(listed, { cursor, list: ['tools', persona.name], size: TOOLS_PER_PAGE });
        return {
          tools: items.map(persona.purpose === 'required' ? describeToolWithPurpose : describeTool),
          ...(nextCursor !== undefined && { nextCursor }),
          _meta: { [WITHHELD_META_KEY]: withheld },
        };
      },
    }),
  ];
}
