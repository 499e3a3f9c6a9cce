import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { canAnswer, missingCapabilities, parseResponse, type InputRequest } from './input-request.ts';

const form: InputRequest = { kind: 'form', message: 'Sure?', fields: z.object({ ok: z.boolean() }) };
const url: InputRequest = { kind: 'url', message: 'Log in', url: 'https://example.org/' };
const sampling: InputRequest = { kind: 'sampling', messages: [], maxTokens: 10 };
const roots: InputRequest = { kind: 'roots' };

describe('an answer', () => {
  it.each([
    [
      form,
      { action: 'accept', content: { ok: true, more: 1 } },
      { kind: 'form', action: 'accept', content: { ok: true } },
    ],
    [form, { action: 'decline', content: { ok: true } }, { kind: 'form', action: 'decline' }],
    [url, { action: 'accept' }, { kind: 'url', action: 'accept' }],
    [
      sampling,
      { role: 'assistant', content: { type: 'text', text: 'Paris' }, model: 'm', _meta: {} },
      { kind: 'sampling', role: 'assistant', content: { type: 'text', text: 'Paris' }, model: 'm' },
    ],
    [roots, { roots: [{ uri: 'file:///a', extra: 1 }] }, { kind: 'roots', roots: [{ uri: 'file:///a' }] }],
  ])('to %j is read from %j', (request, given, answer) => {
    expect(parseResponse(request, given)).toEqual(answer);
  });

  it.each([
    [form, { action: 'accept', content: { ok: 'yes' } }],
    [form, { action: 'accept' }],
    [form, { action: 'maybe', content: { ok: true } }],
    [form, 12_345],
    [form, null],
    [form, [{ action: 'accept', content: { ok: true } }]],
    [url, { action: 'ACCEPT' }],
    [sampling, { role: 'assistant', content: 'Paris', model: 'm' }],
    [roots, { roots: { uri: 'file:///a' } }],
  ])('to %j is not %j', (request, given) => {
    expect(parseResponse(request, given)).toBeUndefined();
  });
});

it.each([
  ['form', { elicitation: {} }, true],
  ['form', { elicitation: { form: {} } }, true],
  ['form', { elicitation: { url: {} } }, false],
  ['form', { elicitation: null }, false],
  ['url', { elicitation: {} }, false],
  ['url', { elicitation: { url: {} } }, true],
  ['sampling', { sampling: {} }, true],
  ['sampling', {}, false],
  ['roots', { roots: { listChanged: true } }, true],
] as const)('%s can be asked of a client that declares %j: %s', (kind, declared, possible) => {
  expect(canAnswer(kind, declared)).toBe(possible);
});

it('names all that a client lacks, and nothing that it has', () => {
  const declared = { sampling: {} };
  expect(missingCapabilities({ form, url, sampling, roots }, declared)).toEqual({
    elicitation: { form: {}, url: {} },
    roots: {},
  });
  expect(missingCapabilities({ sampling }, declared)).toBeUndefined();
});
