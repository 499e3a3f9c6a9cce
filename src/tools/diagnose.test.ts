import { describe, expect, it } from 'vitest';
import { createDiagnose } from './diagnose.ts';

const { forward } = createDiagnose();

describe('diagnose', () => {
  it('calls the diagnostic that it names, with the inputs of that', () => {
    expect(
      forward?.({ diagnostic: 'unused_indexes', server: 'shop', arguments: { min_size: 0, database: 'orders' } }),
    ).toEqual({ name: 'unused_indexes', arguments: { server: 'shop', database: 'orders', min_size: 0 } });
    expect(forward?.({ diagnostic: 'activity' })).toEqual({ name: 'activity', arguments: {} });
  });

  it.each([
    ['nothing', undefined],
    ['no name', { arguments: {} }],
    ['an input beside "arguments"', { diagnostic: 'activity', min_size: 0 }],
    ['"arguments" that are no object', { diagnostic: 'activity', arguments: ['x'] }],
    ['one input twice', { diagnostic: 'activity', server: 'a', arguments: { server: 'b' } }],
  ])('refuses %s', (_, given) => {
    expect(() => forward?.(given)).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }));
  });
});
