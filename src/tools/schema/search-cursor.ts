import { createHash } from 'node:crypto';
import { z } from 'zod';
import { PlatformError } from '../../core/errors.ts';

/** The last item of a page, as the order of all pages has it. */
const Place = z.tuple([z.number(), z.number(), z.string().max(200), z.string().max(200), z.int()]);
export type SearchPlace = z.output<typeof Place>;

const Content = z.tuple([Place, z.string()]);

/** A text for the next call with the same question; it grants nothing, since all is looked at again. */
export function writeCursor(place: SearchPlace, question: unknown): string {
  return Buffer.from(JSON.stringify([place, digestOf(question)])).toString('base64url');
}

/** Fails with INVALID_INPUT for what is no cursor, or one of another question. */
export function readCursor(text: string, question: unknown): SearchPlace {
  const parsed = parse(text);
  if (parsed === undefined) throw notACursor('is no cursor of a search');
  const [place, digest] = parsed;
  if (digest !== digestOf(question)) throw notACursor('belongs to a search for something else');
  return place;
}

function parse(text: string): z.output<typeof Content> | undefined {
  try {
    return Content.safeParse(JSON.parse(Buffer.from(text, 'base64url').toString())).data;
  } catch {
    return undefined;
  }
}

function digestOf(question: unknown): string {
  return createHash('sha256').update(JSON.stringify(question)).digest('base64url').slice(0, 12);
}

function notACursor(what: string): PlatformError {
  return new PlatformError('INVALID_INPUT', `The value of \`cursor\` ${what}.`, {
    hint: 'Give the same inputs and the `next_cursor` of the page before; leave it out for the first page.',
  });
}
