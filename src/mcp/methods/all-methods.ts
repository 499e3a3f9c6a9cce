import type { Catalog } from '../../calls/catalog.ts';
import type { Operation } from '../../calls/operation.ts';
import type { Fleet } from '../../fleet/fleet.ts';
import type { Prompt } from '../prompts/prompt.ts';
import type { ResourceSource } from '../resources/resource-source.ts';
import { createToolViews, type Surface } from '../tool-view.ts';
import { completionMethods } from './completion.ts';
import { listenMethods } from './listen.ts';
import { loggingMethods } from './logging.ts';
import { openingMethods } from './openings.ts';
import { promptMethods } from './prompts.ts';
import { resourceMethods } from './resources.ts';
import { toolMethods } from './tools.ts';

export interface MethodParts {
  /** The catalogue that holds these methods too; asked for when a method runs. */
  readonly catalog: () => Catalog;
  readonly fleet: Fleet;
  readonly prompts: readonly Prompt[];
  readonly resources: readonly ResourceSource[];
  /** `full` where it is left out. */
  readonly surface?: Surface;
}

/** Every method of the protocol that reveals something, as operations; a tool itself is what `tools/call` runs. */
export function createMethods({ catalog, fleet, prompts, resources, surface }: MethodParts): readonly Operation[] {
  const viewOf = createToolViews(catalog, { surface, fleet });
  return [
    ...openingMethods(fleet, viewOf),
    ...listenMethods(),
    ...toolMethods(viewOf),
    ...resourceMethods(resources),
    ...promptMethods(prompts, catalog),
    ...completionMethods(fleet),
    ...loggingMethods(),
  ];
}
