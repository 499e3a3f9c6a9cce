import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Principal } from '../contract/principal.ts';
import {
  createDialogues,
  InputRequired,
  InvalidRequestState,
  MissingClientCapability,
  type Dialogue,
  type DialogueCall,
  type Dialogues,
} from './dialogue.ts';
import type { InputRequests } from './input-request.ts';
import type { CallRecord } from './record.ts';

const ada: Principal = { issuer: 'key', subject: 'ada', method: 'api_key', client: null, roles: [] };
const requests = {
  name: { kind: 'form', message: 'Who?', fields: z.object({ name: z.string() }) },
  sure: { kind: 'form', message: 'Sure?', fields: z.object({ ok: z.boolean() }) },
} as const satisfies InputRequests;
const named = { action: 'accept', content: { name: 'Eve' } };
const sure = { action: 'accept', content: { ok: true } };

let calls = 0;
const resumed: string[] = [];

function open(dialogues: Dialogues, retry: object = {}, more: Partial<DialogueCall> = {}): Dialogue {
  const record = { resumed: (callId: string) => resumed.push(callId) } as unknown as CallRecord;
  const call: DialogueCall = {
    callId: `call ${(calls += 1)}`,
    principal: ada,
    operation: 'drop_index',
    input: { index: 'a' },
    client: { capabilities: { elicitation: {} }, inputResponses: undefined, requestState: undefined, ...retry },
    ...more,
  };
  return dialogues.open(call, record);
}

function askedBy(work: () => unknown): InputRequired {
  try {
    work();
  } catch (error) {
    if (error instanceof InputRequired) return error;
    throw error;
  }
  throw new Error('nothing was asked');
}

function ask(dialogues: Dialogues, kept?: unknown): string {
  return askedBy(() => open(dialogues).requestInput(requests, kept)).requestState;
}

const all = (requestState: unknown) => ({ requestState, inputResponses: { name: named, sure } });

it('finds the answers and what was kept in the call that follows', () => {
  const dialogues = createDialogues();
  const first = open(dialogues);
  expect(first).toMatchObject({ inputs: undefined, state: undefined });
  const asked = askedBy(() => first.requestInput(requests, { step: 1 }));
  expect(asked).toMatchObject({ code: 'INPUT_REQUIRED', requests, details: { asks: ['name', 'sure'] } });
  const asking = `call ${calls}`;
  const second = open(dialogues, all(asked.requestState));
  expect(second.state).toEqual({ step: 1 });
  expect(second.inputs).toEqual({
    name: { kind: 'form', action: 'accept', content: { name: 'Eve' } },
    sure: { kind: 'form', action: 'accept', content: { ok: true } },
  });
  expect(resumed.at(-1)).toBe(asking);
});

it('asks for more after an answer, with what it keeps then', () => {
  const dialogues = createDialogues();
  const second = open(dialogues, all(ask(dialogues, { step: 1 })));
  const { requestState } = askedBy(() => second.requestInput({ sure: requests.sure }, { step: 2 }));
  const third = open(dialogues, { requestState, inputResponses: { sure } });
  expect(third).toMatchObject({ state: { step: 2 }, inputs: { sure: { action: 'accept' } } });
  expect(third.inputs).not.toHaveProperty('name');
});

it('passes over answers to what was not asked', () => {
  const dialogues = createDialogues();
  const more = JSON.parse('{"extra": {"action": "accept"}, "__proto__": {"action": "accept"}}') as object;
  const retry = { requestState: ask(dialogues), inputResponses: { name: named, sure, ...more } };
  expect(Object.keys(open(dialogues, retry).inputs ?? {})).toEqual(['name', 'sure']);
});

it('does not take an answer before it has asked', () => {
  expect(open(createDialogues(), { inputResponses: { name: named, sure } }).inputs).toBeUndefined();
});

describe('when an answer is missing', () => {
  it.each([
    ['missing', { sure }],
    ['of another form', { sure, name: 12_345 }],
    ['not what the fields allow', { sure, name: { action: 'accept', content: { name: 7 } } }],
  ])('asks again for what is %s, and keeps the rest', (_, inputResponses) => {
    const dialogues = createDialogues();
    const again = askedBy(() => open(dialogues, { requestState: ask(dialogues, 'kept'), inputResponses }));
    expect(Object.keys(again.requests)).toEqual(['name']);
    const done = open(dialogues, { requestState: again.requestState, inputResponses: { name: named } });
    expect(done.state).toBe('kept');
    expect(done.inputs).toMatchObject({ name: { content: { name: 'Eve' } }, sure: { content: { ok: true } } });
  });

  it.each([[null], [undefined], ['text'], [[]], [{}]])(
    'asks for all again where the answers are %j',
    (inputResponses) => {
      const dialogues = createDialogues();
      const again = askedBy(() => open(dialogues, { requestState: ask(dialogues), inputResponses }));
      expect(Object.keys(again.requests)).toEqual(['name', 'sure']);
    },
  );

  it('does not remember answers that are large', () => {
    const dialogues = createDialogues();
    const inputResponses = { name: { action: 'accept', content: { name: 'x'.repeat(20_000) } } };
    const again = askedBy(() => open(dialogues, { requestState: ask(dialogues), inputResponses }));
    expect(Object.keys(again.requests)).toEqual(['name', 'sure']);
  });
});

describe('a request state', () => {
  const refusal = expect.objectContaining({ name: 'PlatformError', code: 'INVALID_INPUT' }) as Error;

  it('is good once', () => {
    const dialogues = createDialogues();
    const retry = all(ask(dialogues));
    open(dialogues, retry);
    expect(() => open(dialogues, retry)).toThrow(InvalidRequestState);
  });

  it.each<readonly [string, Partial<DialogueCall>]>([
    ['MS-05: is of no use to another principal', { principal: { ...ada, subject: 'bob' } }],
    ['MS-05: is of no use under another issuer', { principal: { ...ada, issuer: 'local' } }],
    ['MS-05: is of no use to another client of the principal', { principal: { ...ada, client: 'other' } }],
    ['is of no use to another operation', { operation: 'drop_table' }],
    ['is of no use with other arguments', { input: { index: 'b' } }],
  ])('%s, and is not used up by the attempt', (_, other) => {
    const dialogues = createDialogues();
    const retry = all(ask(dialogues));
    expect(() => open(dialogues, retry, other)).toThrow(refusal);
    expect(open(dialogues, retry).inputs).toBeDefined();
  });

  it('is of no use to another process', () => {
    const retry = all(ask(createDialogues()));
    expect(() => open(createDialogues(), retry)).toThrow(InvalidRequestState);
  });

  it.each([[''], ['AAAA'], [7], [null], [{}]])('is not %j', (requestState) => {
    expect(() => open(createDialogues(), all(requestState))).toThrow(InvalidRequestState);
  });

  it('is good for ten minutes', () => {
    let now = 0;
    const dialogues = createDialogues(() => now);
    const [early, late] = [ask(dialogues), ask(dialogues)];
    now = 599_999;
    expect(open(dialogues, all(early)).inputs).toBeDefined();
    now = 600_000;
    expect(() => open(dialogues, all(late))).toThrow(InvalidRequestState);
  });

  it('is forgotten when its principal has 32 newer ones, and no one else loses any', () => {
    const dialogues = createDialogues();
    const others = askedBy(() =>
      open(dialogues, {}, { principal: { ...ada, subject: 'bob' } }).requestInput(requests),
    ).requestState;
    const own = Array.from({ length: 33 }, () => ask(dialogues));
    expect(() => open(dialogues, all(own[0]))).toThrow(InvalidRequestState);
    expect(open(dialogues, all(own[1])).inputs).toBeDefined();
    expect(open(dialogues, all(others), { principal: { ...ada, subject: 'bob' } }).inputs).toBeDefined();
  });

  it('is one of a thousand at most', () => {
    const dialogues = createDialogues();
    const states = Array.from({ length: 1001 }, (_, i) => {
      const principal = { ...ada, subject: `${i}` };
      return {
        principal,
        requestState: askedBy(() => open(dialogues, {}, { principal }).requestInput(requests)).requestState,
      };
    });
    const isKept = (i: number) => () =>
      open(dialogues, all(states[i]?.requestState), { principal: { ...ada, subject: `${i}` } });
    expect(isKept(0)).toThrow(InvalidRequestState);
    expect(isKept(1)().inputs).toBeDefined();
    expect(isKept(1000)().inputs).toBeDefined();
  });
});

describe('a client', () => {
  it('is asked only what it declares that it can answer', () => {
    const dialogue = open(createDialogues(), { capabilities: { sampling: {} } });
    expect([dialogue.canAsk('sampling'), dialogue.canAsk('form')]).toEqual([true, false]);
    expect(() => dialogue.requestInput(requests)).toThrow(
      expect.objectContaining({ code: 'UNSUPPORTED', required: { elicitation: { form: {} } } }),
    );
    expect(() => dialogue.requestInput(requests)).toThrow(MissingClientCapability);
  });

  it('that cannot be asked is told so', () => {
    const dialogue = open(createDialogues(), {}, { client: undefined });
    expect(dialogue.canAsk('form')).toBe(false);
    expect(() => dialogue.requestInput(requests)).toThrow('this caller cannot be asked');
  });
});
