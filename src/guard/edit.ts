/** What stands in the place of a part of a text; positions are UTF-16 units of the original. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** A part of a text that an edit wrote, in bytes of UTF-8. */
export interface Written {
  readonly start: number;
  readonly end: number;
}

/** Whether two of them touch the same part. They must be in the order of their starts. */
export function overlap(edits: readonly Edit[]): boolean {
  return edits.some(({ start }, i) => start < (edits[i - 1]?.end ?? 0));
}

export function applyEdits(text: string, edits: readonly Edit[]): string {
  let at = 0;
  const parts = edits.flatMap((edit) => {
    const before = text.slice(at, edit.start);
    at = edit.end;
    return [before, edit.text];
  });
  return [...parts, text.slice(at)].join('');
}

/** Where the edits are in the text that they gave. */
export function writtenParts(text: string, edits: readonly Edit[]): Written[] {
  let [from, at] = [0, 0];
  return edits.map((edit) => {
    const start = at + Buffer.byteLength(text.slice(from, edit.start));
    from = edit.end;
    at = start + Buffer.byteLength(edit.text);
    return { start, end: at };
  });
}

/**
 * The position in the original of one in the edited text, both in characters from 1 as PostgreSQL counts them; undefined
 * inside of what an edit wrote.
 */
export function originalPosition(text: string, edits: readonly Edit[], position: number): number | undefined {
  let [from, at] = [0, 1];
  let shift = 0;
  for (const edit of edits) {
    const start = at + countCharacters(text.slice(from, edit.start));
    if (position < start) break;
    const length = countCharacters(edit.text);
    if (position < start + length) return undefined;
    shift += countCharacters(text.slice(edit.start, edit.end)) - length;
    from = edit.end;
    at = start + length;
  }
  const original = position + shift;
  return original >= 1 && original <= countCharacters(text) + 1 ? original : undefined;
}

/** The UTF-16 unit where a byte of the text's UTF-8 is; undefined inside of a character or beyond its end. */
export function unitOfByte(text: string, byte: number): number | undefined {
  if (byte < 0) return undefined;
  const bytes = Buffer.from(text);
  if (byte > bytes.length) return undefined;
  const before = bytes.subarray(0, byte).toString();
  return text.startsWith(before) && Buffer.byteLength(before) === byte ? before.length : undefined;
}

function countCharacters(text: string): number {
  let count = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0xdc00 || unit > 0xdfff) count++;
  }
  return count;
}
