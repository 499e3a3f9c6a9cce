import { shorten, textWidth } from '../../render/text-width.ts';

export interface Page {
  /** Columns of a line; a word that is longer has a line of its own. */
  readonly width: number;
  /** What is beyond so many lines is cut. */
  readonly most?: number;
}

/** A text over lines, broken between words. */
export function wrap(text: string, page: Page): string[] {
  return flow(text.split(' '), ' ', page);
}

/** Parts one after another, with `gap` between them; a part is broken only where it is longer than a line. */
export function flow(parts: readonly string[], gap: string, { width, most = Infinity }: Page): string[] {
  const lines: string[] = [];
  for (const part of parts.flatMap((part) => (textWidth(part) > width ? part.split(' ') : [part]))) {
    const line = lines.at(-1);
    if (line !== undefined && textWidth(line) + gap.length + textWidth(part) <= width) {
      lines[lines.length - 1] = `${line}${gap}${part}`;
    } else lines.push(part);
  }
  if (lines.length <= most) return lines;
  return [...lines.slice(0, most - 1), shorten(lines.slice(most - 1).join(gap), width)];
}
