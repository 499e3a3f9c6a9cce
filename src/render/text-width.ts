/** Printable ASCII and what a table adds to it: one column a character. */
const PLAIN = /^[ -~—…]*$/;
/** Characters that take two columns of a terminal: the wide and fullwidth blocks of Unicode Annex 11, and emoji. */
const WIDE =
  /^(?:[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{17000}-\u{18cff}\u{1b000}-\u{1b2ff}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}|\p{RI}{2})/u;
/** A mark that follows nothing takes no column. */
const NARROWEST = /^\p{M}+$/u;
const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** Columns that one line of text takes on a terminal. */
export function textWidth(text: string): number {
  if (PLAIN.test(text)) return text.length;
  let width = 0;
  for (const { segment } of graphemes.segment(text)) width += graphemeWidth(segment);
  return width;
}

/** The text, its end replaced by `…` where it takes more than `width` columns. */
export function shorten(text: string, width: number): string {
  if (PLAIN.test(text)) return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`;
  // a grapheme may be many characters but no fewer than half as many as its columns
  const head = text.length > width * 20 ? text.slice(0, width * 20) : text;
  if (head === text && textWidth(text) <= width) return text;
  let kept = '';
  let taken = 1;
  for (const { segment } of graphemes.segment(head)) {
    taken += graphemeWidth(segment);
    if (taken > width) break;
    kept += segment;
  }
  return `${kept}…`;
}

export function padStart(text: string, width: number): string {
  return ' '.repeat(Math.max(0, width - textWidth(text))) + text;
}

export function padEnd(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - textWidth(text)));
}

function graphemeWidth(grapheme: string): number {
  if (WIDE.test(grapheme)) return 2;
  return NARROWEST.test(grapheme) ? 0 : 1;
}
