import type { Fleet } from '../../fleet/fleet.ts';
import type { Operation } from '../../calls/operation.ts';
import type { CompiledPersona } from '../../policy/policy.ts';
import { writeInstructions } from '../instructions.ts';
import type { ToolView } from '../tool-view.ts';
import { defineMethod } from './method.ts';

/** How a client opens: `initialize` up to 2025-11-25, `server/discover` since 2026-07-28. Both carry the instructions. */
export const OPENINGS = ['initialize', 'server/discover'] as const;

export function openingMethods(fleet: Fleet, viewOf: (persona: CompiledPersona) => ToolView): readonly Operation[] {
  return OPENINGS.map((name) =>
    defineMethod({
      name,
      title: 'Open',
      description: 'What this is, which servers the caller can reach, and where to start.',
      reveals: 'what_is_allowed',
      input: {},
      run: (_, { persona }) => ({ instructions: writeInstructions(fleet, persona, viewOf(persona)) }),
    }),
  );
}
