import { expect, it } from 'vitest';
import { comment, quoteLiteral, quoteName } from './quoting.ts';

it.each([
  ['orders', `'orders'`],
  [`it's`, `'it''s'`],
  ['back\\slash', `E'back\\\\slash'`],
  [`\\'; DROP TABLE x; --`, `E'\\\\''; DROP TABLE x; --'`],
])('quotes the text %s', (text, quoted) => {
  expect(quoteLiteral(text)).toBe(quoted);
});

it('quotes both parts of a name', () => {
  expect(quoteName('we.ird', 'say "x"')).toBe('"we.ird"."say ""x"""');
});

it.each(['\n', '\r', '\r\n', '\f\u2028'])('ends no comment at %j in a name', (lineBreak) => {
  expect(comment(`in database "x"${lineBreak}; DROP TABLE x`)).toBe('-- in database "x" ; DROP TABLE x');
});
