import { expect, it } from 'vitest';
import { uuidv7 } from './ids.ts';

it('makes UUIDs of version 7 and the RFC variant', () => {
  for (let i = 0; i < 2000; i++) {
    expect(uuidv7()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  }
});

it('carries the millisecond of its making in front', () => {
  const at = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
  expect(Number.parseInt(uuidv7(at).slice(0, 13).replace('-', ''), 16)).toBe(at);
});

it('does not repeat', () => {
  expect(new Set(Array.from({ length: 10_000 }, () => uuidv7(1))).size).toBe(10_000);
});

it('sorts ids of one millisecond in the order of their making', () => {
  for (let turn = 0; turn < 50; turn++) {
    const ids = Array.from({ length: 2000 }, () => uuidv7(1_700_000_000_000 + turn));
    expect(ids.toSorted()).toEqual(ids);
  }
});
