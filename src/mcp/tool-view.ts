import type { Catalog } from '../calls/catalog.ts';
import type { Operation } from '../calls/operation.ts';
import type { CompiledPersona } from '../policy/policy.ts';

/** The tools as one persona sees them. */
export interface ToolView {
  /** In the order of their names. */
  readonly tools: readonly Operation[];
  /** How many there are that this persona may not call. */
  readonly withheld: number;
}

/**
 * Views of the catalogue's tools. A persona is compiled anew when the policy changes, so that a view lives as long as
 * its rules.
 */
export function createToolViews(catalog: () => Catalog): (persona: CompiledPersona) => ToolView {
  const views = new WeakMap<CompiledPersona, ToolView>();
  return (persona) => {
    const known = views.get(persona);
    if (known) return known;
    const all = catalog().operations.filter(({ kind }) => kind === 'tool');
    const tools = all.filter((tool) => persona.operation(tool).allowed);
    const view = { tools, withheld: all.length - tools.length };
    views.set(persona, view);
    return view;
  };
}
