import { expect, it } from 'vitest';
import { createRequestStates } from './request-state.ts';

const states = createRequestStates();
const state = { callId: '0190', kept: { step: 1 } };
const sealed = states.seal(state, 'ada');

it('opens what it sealed, for the very thing that it was sealed for', () => {
  expect(states.open(sealed, 'ada')).toEqual(state);
  expect(states.open(sealed, 'bob')).toBeUndefined();
  expect(states.open(states.seal({ callId: '0190' }, ''), '')).toEqual({ callId: '0190' });
});

it('keeps what it is bound to apart from what it carries', () => {
  const payload = JSON.stringify(state);
  expect(states.open(states.seal(state, 'ad'), `ad${payload.slice(0, 1)}`)).toBeUndefined();
});

it('refuses a state with any one byte changed', () => {
  const bytes = Buffer.from(sealed, 'base64url');
  const changed = [...bytes.keys()].map((i) => {
    const copy = Buffer.from(bytes);
    copy[i] = (copy[i] ?? 0) ^ 1;
    return copy.toString('base64url');
  });
  expect(changed.filter((each) => states.open(each, 'ada') !== undefined)).toEqual([]);
});

it.each([
  ['that was sealed elsewhere', createRequestStates().seal(state, 'ada')],
  ['with something after it', `${sealed}-TAMPERED`],
  ['that is spelt another way', `${sealed}=`],
  ['that was cut', sealed.slice(0, 43)],
  ['that is empty', ''],
  ['that is huge', sealed + 'A'.repeat(1_000_000)],
  ['that is no text', 7],
  ['that is null', null],
])('refuses a state %s', (_, given) => {
  expect(states.open(given, 'ada')).toBeUndefined();
});

it('carries at most 8 kB', () => {
  expect(() => states.seal({ callId: '0190', kept: 'x'.repeat(8192) }, 'ada')).toThrow(RangeError);
  const large = { callId: '0190', kept: 'x'.repeat(8150) };
  expect(states.open(states.seal(large, 'ada'), 'ada')).toEqual(large);
});
