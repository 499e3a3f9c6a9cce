import { z } from 'zod';
import type { CompiledPersona } from '../../policy/policy.ts';
import { pageOf } from '../cursor.ts';
import { compileUriForm } from '../resource-uri.ts';
import { noSuchResource, type ResourceEntry, type ResourceSource } from '../resources/resource-source.ts';
import { defineMethod, type Method } from './method.ts';
import { cursorInput, WITHHELD_META_KEY } from './tools.ts';

const READ_METHOD = 'resources/read';
const RESOURCES_PER_PAGE = 200;
const uriInput = { uri: z.string().min(1).max(1000) } as const;

export function resourceMethods(sources: readonly ResourceSource[]): readonly Method[] {
  return [
    defineMethod({
      name: 'resources/list',
      title: 'List resources',
      description:
        'The resources that the caller may read, such as the documentation of tools; of tables see templates.',
      reveals: 'what_is_allowed',
      input: cursorInput,
      run({ cursor }, { persona }) {
        const entries = sources.flatMap((source) => entriesOf(source, persona));
        const { items, nextCursor } = pageByUri(entries, ['resources', persona.name], cursor);
        const withheld = sources.map((source) => withheldOf(source, persona)).reduce((sum, count) => sum + count, 0);
        return {
          resources: items,
          ...(nextCursor !== undefined && { nextCursor }),
          _meta: { [WITHHELD_META_KEY]: withheld },
        };
      },
    }),
    defineMethod({
      name: 'resources/templates/list',
      title: 'List resource templates',
      description: 'The forms that the addresses of resources have.',
      reveals: 'what_is_allowed',
      input: cursorInput,
      run({ cursor }, { persona }) {
        const all = sources.filter(hasVariables);
        const templates = all.filter((source) => source.isOffered(persona));
        // one page: a cursor can only be made up
        const { items } = pageByUri(templates, ['templates', persona.name], cursor);
        return {
          resourceTemplates: items.map(describeTemplate),
          _meta: { [WITHHELD_META_KEY]: all.length - templates.length },
        };
      },
    }),
    defineMethod({
      name: READ_METHOD,
      title: 'Read a resource',
      description: 'Finds nothing: no kind of resource has an address like this.',
      reveals: 'nothing',
      input: uriInput,
      run: () => {
        throw noSuchResource();
      },
    }),
    ...sources.map(readMethod),
  ];
}

function readMethod(source: ResourceSource): Method {
  const form = compileUriForm(source.uri);
  const values = Object.fromEntries(form.variables.map((name) => [name, z.string()] as const));
  return defineMethod({
    name: `${READ_METHOD}/${source.name}`,
    title: `Read: ${source.title}`,
    description: source.description,
    input: { ...values, ...uriInput },
    answers: {
      method: READ_METHOD,
      take({ uri }) {
        const parsed = typeof uri === 'string' ? form.parse(uri) : undefined;
        return parsed && { uri, ...parsed };
      },
    },
    reaches: source.reaches,
    actsAs: (named) => source.actsAs(named),
    run: async ({ uri, ...named }, context) => ({ contents: await source.read(named, { ...context, uri }) }),
  });
}

function entriesOf(source: ResourceSource, persona: CompiledPersona): readonly ResourceEntry[] {
  if (hasVariables(source)) return source.list?.(persona) ?? [];
  const { uri, name, title, description, mimeType } = source;
  return source.isOffered(persona) ? [{ uri, name, title, description, mimeType }] : [];
}

/** How many addresses a list leaves out; of those that cannot be listed nobody knows. */
function withheldOf(source: ResourceSource, persona: CompiledPersona): number {
  if (hasVariables(source)) return source.withheld?.(persona) ?? 0;
  return source.isOffered(persona) ? 0 : 1;
}

function hasVariables({ uri }: ResourceSource): boolean {
  return uri.includes('{');
}

function describeTemplate({ uri: uriTemplate, name, title, description, mimeType }: ResourceSource): object {
  return { uriTemplate, name, title, description, mimeType };
}

/** Addresses are unique, names are not. */
function pageByUri<Item extends { readonly uri: string }>(
  all: readonly Item[],
  list: readonly string[],
  cursor: string | undefined,
): { readonly items: readonly Item[]; readonly nextCursor: string | undefined } {
  const ordered = all.map((item) => ({ name: item.uri, item })).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const { items, nextCursor } = pageOf(ordered, { cursor, list, size: RESOURCES_PER_PAGE });
  return { items: items.map(({ item }) => item), nextCursor };
}
