import { z } from 'zod';
import type { Catalog } from '../../calls/catalog.ts';
import type { Operation } from '../../calls/operation.ts';
import { PlatformError } from '../../core/errors.ts';
import type { CompiledPersona } from '../../policy/policy.ts';
import { pageOf } from '../cursor.ts';
import type { Prompt } from '../prompts/prompt.ts';
import { defineMethod } from './method.ts';
import { cursorInput, WITHHELD_META_KEY } from './tools.ts';

const PROMPTS_PER_PAGE = 100;

export function promptMethods(prompts: readonly Prompt[], catalog: () => Catalog): readonly Operation[] {
  const ordered = prompts.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const find = (name: string) => prompts.find((prompt) => prompt.name === name);
  return [
    defineMethod({
      name: 'prompts/list',
      title: 'List prompts',
      description: 'The prompts whose tools the caller may call.',
      reveals: 'what_is_allowed',
      input: cursorInput,
      run({ cursor }, { persona }) {
        const offered = ordered.filter((prompt) => isOffered(prompt, catalog(), persona));
        const { items, nextCursor } = pageOf(offered, {
          cursor,
          list: ['prompts', persona.name],
          size: PROMPTS_PER_PAGE,
        });
        return {
          prompts: items.map(describePrompt),
          ...(nextCursor !== undefined && { nextCursor }),
          _meta: { [WITHHELD_META_KEY]: ordered.length - offered.length },
        };
      },
    }),
    defineMethod({
      name: 'prompts/get',
      title: 'Get a prompt',
      description: 'The messages of a prompt.',
      input: {
        name: z.string().min(1).max(64),
        arguments: z.record(z.string(), z.string().min(1).max(63)).default({}),
      },
      actsAs: ({ name }) => find(name)?.tools ?? [],
      async run({ name, arguments: given }, context) {
        const prompt = find(name);
        if (!prompt) throw unknownPrompt(name);
        const messages = await prompt.messages(checkArguments(prompt, given), context);
        return { description: prompt.description, messages };
      },
    }),
  ];
}

function isOffered({ tools }: Prompt, catalog: Catalog, persona: CompiledPersona): boolean {
  return tools.every((name) => {
    const tool = catalog.get(name)?.operation;
    return tool !== undefined && persona.operation(tool).allowed;
  });
}

function describePrompt({ name, title, description, arguments: args }: Prompt): object {
  return { name, title, description, arguments: args };
}

type Values = Readonly<Record<string, string>>;

function checkArguments(prompt: Prompt, given: Values): Values {
  const names: readonly string[] = prompt.arguments.map(({ name }) => name);
  const unknown = Object.keys(given).find((name) => !names.includes(name));
  const missing = prompt.arguments.find(({ name, required }) => required && given[name] === undefined);
  if (unknown === undefined && missing === undefined) return given;
  const problem = missing
    ? `"${missing.name}" is needed`
    : `unknown argument ${JSON.stringify(unknown?.slice(0, 100))}`;
  throw new PlatformError('INVALID_INPUT', `Invalid arguments: ${problem}.`, {
    hint: `The arguments of ${prompt.name} are: ${names.join(', ')}.`,
  });
}

function unknownPrompt(name: string): PlatformError {
  return new PlatformError('NOT_FOUND', `No prompt is named ${JSON.stringify(name)}.`, {
    hint: 'List the prompts to see what there is.',
  });
}
