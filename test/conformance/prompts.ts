import { z } from 'zod';
import type { Prompt, PromptMessage } from '../../src/mcp/prompts/prompt.ts';
import type { ContentBlock } from '../../src/contract/content.ts';
import { PNG, text } from './fixture.ts';

function prompt(name: string, messages: Prompt['messages'], ...names: readonly string[]): Prompt {
  return {
    name,
    title: name,
    description: `What the conformance suite expects of ${name}.`,
    arguments: names.map((argument) => ({ name: argument, description: argument, required: true })),
    tools: [],
    messages,
  };
}

const say = (content: ContentBlock): PromptMessage => ({ role: 'user', content });

export const prompts: readonly Prompt[] = [
  prompt('test_simple_prompt', () => [say(text('This is a simple prompt for testing.'))]),
  prompt(
    'test_prompt_with_arguments',
    ({ arg1 = '', arg2 = '' }) => [say(text(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`))],
    'arg1',
    'arg2',
  ),
  prompt(
    'test_prompt_with_embedded_resource',
    ({ resourceUri: uri = '' }) => [
      say({
        type: 'resource',
        resource: { uri, mimeType: 'text/plain', text: 'Embedded resource content for testing.' },
      }),
      say(text('Please process the embedded resource above.')),
    ],
    'resourceUri',
  ),
  prompt('test_prompt_with_image', () => [
    say({ type: 'image', data: PNG, mimeType: 'image/png' }),
    say(text('Please analyze the image above.')),
  ]),
  prompt('test_input_required_result_prompt', (_, { inputs, requestInput }) => {
    const fields = z.object({ context: z.string() });
    const answers =
      inputs ??
      requestInput({ user_context: { kind: 'form', message: 'What context should the prompt use?', fields } });
    return [say(text(`Use this context: ${JSON.stringify(answers['user_context'])}`))];
  }),
];
