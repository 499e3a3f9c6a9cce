import { expect, it } from 'vitest';
import { escapeControl } from './untrusted-text.ts';

it('leaves what can be seen as it is', () => {
  const text = 'Ünïcödé 日本語 😀 a|b \\ "quoted"';
  expect(escapeControl(text)).toBe(text);
});

it('keeps a text on one line', () => {
  expect(escapeControl('a\nb\r\n\tc\u2028d\u2029e\u0085f\vg')).toBe(
    String.raw`a\nb\r\n\tc\u{2028}d\u{2029}e\u{85}f\u{b}g`,
  );
});

it.each([
  ['a terminal sequence', '\u001b[31m', String.raw`\u{1b}[31m`],
  ['NUL and DEL', '\0\u007f', String.raw`\u{0}\u{7f}`],
  ['bidirectional controls', '\u202e\u2066\u200f\u061c', String.raw`\u{202e}\u{2066}\u{200f}\u{61c}`],
  ['zero widths', '\u200b\u200d\ufeff\u2060\u00ad', String.raw`\u{200b}\u{200d}\u{feff}\u{2060}\u{ad}`],
  ['letters of the tag block', '\u{e0041}', String.raw`\u{e0041}`],
  ['variation selectors and fillers', '\ufe0f\u{e0100}\u3164', String.raw`\u{fe0f}\u{e0100}\u{3164}`],
  ['half of a surrogate pair', 'a\ud800b', String.raw`a\u{d800}b`],
])('shows %s', (_, text, escaped) => {
  expect(escapeControl(text)).toBe(escaped);
});
