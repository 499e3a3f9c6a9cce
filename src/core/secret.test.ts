import { format, inspect } from 'node:util';
import { expect, it } from 'vitest';
import { Secret } from './secret.ts';

it('shows its value to nobody but who asks for it', () => {
  const value = Math.PI.toString(36).slice(2);
  const secret = new Secret(value);
  const shown = [
    String(secret),
    JSON.stringify({ secret }),
    inspect({ secret }, { showHidden: true }),
    format('%o', secret),
  ];
  for (const text of shown) expect(text).not.toContain(value);
  expect(Object.values(secret)).toEqual([]);
  expect(secret.reveal()).toBe(value);
});
