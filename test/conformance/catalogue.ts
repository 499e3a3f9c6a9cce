import { z } from 'zod';
import { createCatalog, type Catalog } from '../../src/calls/catalog.ts';
import type { Fleet } from '../../src/fleet/fleet.ts';
import { createMethods } from '../../src/mcp/methods/all-methods.ts';
import { defineMethod } from '../../src/mcp/methods/method.ts';
import { askingTools } from './asking-tools.ts';
import { contentTools } from './content-tools.ts';
import { fixture, text } from './fixture.ts';
import { prompts } from './prompts.ts';
import { resources } from './resources.ts';

/** Clients of the legacy era may ask; without a session nobody is told, as the protocol allows. */
const subscriptionMethods = ['resources/subscribe', 'resources/unsubscribe'].map((name) =>
  defineMethod({
    name,
    title: name,
    description: name,
    input: { uri: z.string() },
    reveals: 'nothing',
    run: () => ({}),
  }),
);

/** What the suite looks for by name, declared as everything else is declared. */
export function createTestCatalogue(fleet: Fleet, listsChanged: () => void): Catalog {
  const trigger = (name: string) =>
    fixture(name, () => {
      listsChanged();
      return [text('Changed.')];
    });
  const catalog: Catalog = createCatalog([
    ...contentTools,
    ...askingTools,
    trigger('test_trigger_tool_change'),
    trigger('test_trigger_prompt_change'),
    ...subscriptionMethods,
    ...createMethods({ catalog: () => catalog, fleet, prompts, resources }),
  ]);
  return catalog;
}
