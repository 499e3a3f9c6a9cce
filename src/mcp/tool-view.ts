import type { Catalog } from '../calls/catalog.ts';
import type { Operation } from '../calls/operation.ts';
import { reachableServers } from '../calls/reach.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { CompiledPersona } from '../policy/policy.ts';
import { createDiagnose } from '../tools/diagnose.ts';

/** `compact`: one tool stands for all diagnostics, each of which can still be called by its name. */
export type Surface = 'full' | 'compact';

/** How tools are listed. */
export interface ToolListing {
  readonly surface?: Surface | undefined;
  /** Left out where it does not matter what there is in it. */
  readonly fleet?: Fleet;
}

/** The tools as one persona sees them. */
export interface ToolView {
  /** In the order of their names. */
  readonly tools: readonly Operation[];
  /** What a list shows of them. */
  readonly listed: readonly Operation[];
  /** How many there are that this persona may not call. */
  readonly withheld: number;
}

/**
 * Views of the catalogue's tools. A persona is compiled anew when the policy changes, so that a view lives as long as
 * its rules.
 */
export function createToolViews(
  catalog: () => Catalog,
  { surface = 'full', fleet }: ToolListing = {},
): (persona: CompiledPersona) => ToolView {
  const views = new WeakMap<CompiledPersona, ToolView>();
  return (persona) => {
    const known = views.get(persona);
    if (known) return known;
    const all = catalog()
      .operations.filter(({ kind, forward }) => kind === 'tool' && !forward)
      .filter((tool) => tool.isHidden !== true || persona.operation(tool).allowed);
    const tools = all.filter((tool) => persona.operation(tool).allowed);
    const usable = tools.filter((tool) => canAnswer(tool, persona, fleet));
    const listed = surface === 'compact' ? compact(usable) : usable;
    const view = { tools, listed, withheld: all.length - tools.length };
    views.set(persona, view);
    return view;
  };
}

/** Whether a server that the caller may reach has what the tool is about: most fleets have no pooler. */
function canAnswer({ area }: Operation, persona: CompiledPersona, fleet: Fleet | undefined): boolean {
  if (area !== 'pgbouncer' || !fleet) return true;
  return reachableServers(fleet, persona).some(({ poolers }) => poolers.length > 0);
}

function compact(tools: readonly Operation[]): readonly Operation[] {
  const diagnostics = tools.filter(({ accessClass }) => accessClass === 'diagnostic');
  if (diagnostics.length === 0) return tools;
  const others = tools.filter((tool) => !diagnostics.includes(tool));
  const all = [createDiagnose(diagnostics.map(({ name }) => name)), ...others];
  return all.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}
