import { z } from 'zod';
import type { CallContext } from '../../src/calls/context.ts';
import type { InputRequest } from '../../src/calls/input-request.ts';
import type { ContentBlock } from '../../src/contract/content.ts';
import { fixture, text } from './fixture.ts';

function form(message: string, fields: z.ZodRawShape): InputRequest {
  return { kind: 'form', message, fields: z.object(fields) };
}

function sample(question: string, maxTokens: number): InputRequest {
  return { kind: 'sampling', messages: [{ role: 'user', content: text(question) }], maxTokens };
}

const askName = form('What is your name?', { name: z.string() });
const askConsent = form('Please confirm', { ok: z.boolean() });

function sayHello({ inputs, requestInput }: CallContext): ContentBlock[] {
  const answer = inputs?.['user_name'] ?? requestInput({ user_name: askName });
  if (answer.kind !== 'form' || answer.action !== 'accept') return [text('Hello, whoever you are!')];
  return [text(`Hello, ${String(answer.content['name'])}!`)];
}

/** Asks once, and shows what was answered. */
function ask(requests: Readonly<Record<string, InputRequest>>, then: string) {
  return ({ inputs, requestInput }: CallContext) => [
    text(`${then} ${JSON.stringify(inputs ?? requestInput(requests, { asked: true }))}`),
  ];
}

function askTwice({ inputs, state, requestInput }: CallContext): ContentBlock[] {
  if (!inputs) requestInput({ step1: form('Step 1: What is your name?', { name: z.string() }) }, { step: 1 });
  if (z.object({ step: z.literal(1) }).safeParse(state).success) {
    const color = form('Step 2: What is your favorite color?', { color: z.string() });
    requestInput({ step2: color }, { step: 2, answered: inputs });
  }
  return [text(JSON.stringify({ ...inputs, before: state }))];
}

function askWhatIsPossible({ inputs, canAsk, requestInput }: CallContext): ContentBlock[] {
  if (inputs) return [text('Thank you.')];
  return requestInput({
    ...(canAsk('sampling') && { capital: sample('What is the capital of France?', 50) }),
    ...(canAsk('form') && { name: askName }),
  });
}

/** Tools that ask the client before they answer. */
export const askingTools = [
  fixture('test_input_required_result_elicitation', sayHello),
  fixture('test_streaming_elicitation', sayHello),
  fixture(
    'test_input_required_result_sampling',
    ask({ capital_question: sample('What is the capital of France?', 100) }, 'Sampled'),
  ),
  fixture('test_input_required_result_list_roots', ask({ client_roots: { kind: 'roots' } }, 'Roots')),
  fixture('test_input_required_result_request_state', ask({ confirm: askConsent }, 'state-ok')),
  fixture('test_input_required_result_tampered_state', ask({ confirm: askConsent }, 'state-ok')),
  fixture(
    'test_input_required_result_multiple_inputs',
    ask({ user_name: askName, greeting: sample('Generate a greeting', 50), client_roots: { kind: 'roots' } }, 'Heard'),
  ),
  fixture('test_input_required_result_multi_round', askTwice),
  fixture('test_input_required_result_capabilities', askWhatIsPossible),
  fixture('test_missing_capability', ask({ opinion: sample('What do you think?', 10) }, 'Sampled')),
];
