/** Letters that no decomposition takes to plain ones. */
const PLAIN: Readonly<Record<string, string>> = {
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  ø: 'o',
  đ: 'd',
  ð: 'd',
  ł: 'l',
  þ: 'th',
  ı: 'i',
};
const TO_PLAIN = /[ßæœøđðłþı]/g;
/** Marks that belong to a letter of their own, as in Hindi or Japanese, stay. */
const MARKS = /(?<=[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}])\p{M}+/gu;
const ASCII = /^[\0-\x7f]*$/;
const WORD = /[\p{L}\p{M}\p{N}]+/gu;
/** Where words of one name meet without a sign between them: `orderItem`, `HTTPServer`, `address2`, `2nd`. */
const SEAMS = /(?<=[\p{Ll}\p{N}])(?=\p{Lu})|(?<=\p{Lu})(?=\p{Lu}\p{Ll})|(?<=\p{L})(?=\p{N})|(?<=\p{N})(?=\p{L})/gu;
/** Scripts that put no space between words. */
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;
/** A comment may be an essay; so many of its words are looked at. */
const MOST_WORDS = 200;

/** Without case and accents, so that `Größe`, `GROSSE` and `grosse` are the same. */
export function fold(text: string): string {
  if (ASCII.test(text)) return text.toLowerCase();
  const lower = text.normalize('NFKD').replaceAll(MARKS, '').toLowerCase();
  return lower.replaceAll(TO_PLAIN, (letter) => PLAIN[letter] ?? letter).normalize('NFC');
}

/** The words of a name or a text, folded: split at signs, at humps and at numbers. Each once, in their order. */
export function wordsOf(text: string): string[] {
  const found = new Set<string>();
  for (const [run] of text.normalize('NFC').matchAll(WORD)) {
    for (const part of run.split(SEAMS)) found.add(fold(part));
    if (found.size >= MOST_WORDS) break;
  }
  return [...found];
}

/** Whether words are written without spaces, so that one may stand anywhere within another. */
export function isUnspaced(word: string): boolean {
  return UNSPACED.test(word);
}

/** Pieces of three letters with the edges of the word; of one and of two where words have no edges. */
export function piecesOf(word: string): string[] {
  if (isUnspaced(word)) {
    const letters = Array.from(word);
    return [...letters, ...letters.slice(1).map((letter, i) => `${letters[i] ?? ''}${letter}`)];
  }
  const padded = `  ${word} `;
  const pieces = [];
  for (let at = 0; at + 3 <= padded.length; at++) pieces.push(padded.slice(at, at + 3));
  return pieces;
}

/**
 * How alike two folded words are, from 0 to 1, without looking at their pieces: 1 the same, above 0.8 forms of one word,
 * above 0.5 one within the other.
 */
export function likeness(asked: string, known: string): number {
  if (asked === known) return 1;
  const [short, long] = asked.length < known.length ? [asked, known] : [known, asked];
  const share = short.length / long.length;
  if (isUnspaced(short)) return long.includes(short) ? (short === asked ? 0.8 : 0.6) + 0.15 * share : 0;
  if (short.length < 3) return 0;
  const common = commonStart(short, long);
  // order and orders, category and categories
  if (common >= 3 && short.length - common <= 2 && long.length - common <= 3)
    return 0.55 + 0.4 * (common / long.length);
  if (common === short.length) return 0.5 + 0.35 * share;
  return short === asked && long.includes(short) ? 0.45 + 0.3 * share : 0;
}

function commonStart(a: string, b: string): number {
  let at = 0;
  while (at < a.length && a[at] === b[at]) at++;
  return at;
}
