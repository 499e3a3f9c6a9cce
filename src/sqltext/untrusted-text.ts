/** Whatever is not seen as a character, or moves others: controls, bidirectional controls, zero widths, tags, line separators. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;
/** Printable ASCII, as nearly every text is; looked at first, since a search by Unicode properties costs several times more. */
const PLAIN = /^[ -~]*$/;
const SHORT: Readonly<Record<string, string>> = { '\n': String.raw`\n`, '\r': String.raw`\r`, '\t': String.raw`\t` };

/**
 * A text from a stranger (object names, application names, statements, error messages) on one line that shows every
 * character: `\n`, `\r`, `\t`, and `\u{…}` for the others that cannot be seen.
 */
export function escapeControl(text: string): string {
  if (PLAIN.test(text)) return text;
  return text.replaceAll(INVISIBLE, (char) => SHORT[char] ?? `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`);
}
