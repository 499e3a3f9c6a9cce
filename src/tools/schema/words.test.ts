import { expect, it } from 'vitest';
import { fold, likeness, piecesOf, wordsOf } from './words.ts';

it.each([
  ['orderItems', ['order', 'items']],
  ['HTTPServerLog', ['http', 'server', 'log']],
  ['address_line2', ['address', 'line', '2']],
  ['"Placed at"', ['placed', 'at']],
  ['GRÖSSE_Été', ['grosse', 'ete']],
  ['Straße', ['strasse']],
  ['имяКлиента', ['имя', 'клиента']],
  ['顧客名_住所', ['顧客名', '住所']],
  ['पता', ['पता']],
  ['a a A', ['a']],
  ['__%$', []],
])('splits %s', (text, words) => {
  expect(wordsOf(text)).toEqual(words);
});

it('takes letters for the same whatever their case, accents and forms', () => {
  expect(fold('É')).toBe(fold('é'));
  expect(fold('Ｆｕｌｌ')).toBe('full');
  expect(fold('がく')).not.toBe(fold('かく'));
  expect(fold('Łódź')).toBe('lodz');
});

it.each([
  ['order', 'order', 1, 1],
  ['orders', 'order', 0.8, 1],
  ['category', 'categories', 0.8, 1],
  ['cust', 'customer', 0.5, 0.8],
  ['mail', 'email', 0.5, 0.8],
  ['住所', '顧客住所', 0.8, 1],
  ['顧客住所', '住所', 0.6, 0.8],
  ['id', 'identity', 0, 0],
  ['email', 'mail', 0, 0],
  ['order', 'invoice', 0, 0],
])('finds %s and %s so like', (asked, known, least, most) => {
  expect(likeness(asked, known)).toBeGreaterThanOrEqual(least);
  expect(likeness(asked, known)).toBeLessThanOrEqual(most);
});

it('cuts words into pieces', () => {
  expect(piecesOf('cat')).toEqual(['  c', ' ca', 'cat', 'at ']);
  expect(piecesOf('顧客')).toEqual(['顧', '客', '顧客']);
});
