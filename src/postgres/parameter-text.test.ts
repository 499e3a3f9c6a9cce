import { expect, it } from 'vitest';
import { parameterText } from './parameter-text.ts';

it('writes values as PostgreSQL reads them', () => {
  expect([null, true, 1.5, 'x', ''].map(parameterText)).toEqual([null, 'true', '1.5', 'x', '']);
});

it('quotes the elements of arrays, so that none ends another', () => {
  expect(parameterText([1, -2])).toBe('{"1","-2"}');
  expect(parameterText([])).toBe('{}');
  expect(parameterText(['a,b', 'say "}"', 'back\\slash', '', 'NULL'])).toBe(
    '{"a,b","say \\"}\\"","back\\\\slash","","NULL"}',
  );
});
