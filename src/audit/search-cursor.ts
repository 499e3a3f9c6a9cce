import { createHash } from 'node:crypto';
import { z } from 'zod';
import { PlatformError } from '../core/errors.ts';

/** A place between two events, in the order of their time. */
export interface SearchPlace {
  readonly at: string;
  readonly id: string;
}

/** Where a search goes on, and the times that its first page was bounded by. */
const Content = z.tuple([
  z.iso.datetime({ precision: 3 }),
  z.uuid(),
  z.iso.datetime().nullable(),
  z.iso.datetime().nullable(),
  z.string(),
]);

export interface SearchCursor {
  readonly place: SearchPlace;
  readonly since: string | undefined;
  readonly until: string | undefined;
}

/** A text for the next call with the same filters; it grants nothing, since the filters are given and checked again. */
export function writeCursor({ place, since, until }: SearchCursor, filters: unknown): string {
  const content: z.input<typeof Content> = [place.at, place.id, since ?? null, until ?? null, digestOf(filters)];
  return Buffer.from(JSON.stringify(content)).toString('base64url');
}

/** Fails with INVALID_INPUT for what is no cursor, or one of another search. */
export function readCursor(text: string, filters: unknown): SearchCursor {
  const parsed = parse(text);
  if (parsed === undefined) throw notACursor('is no cursor of a search');
  const [at, id, since, until, digest] = parsed;
  if (digest !== digestOf(filters)) throw notACursor('belongs to a search with other filters');
  return { place: { at, id }, since: since ?? undefined, until: until ?? undefined };
}

function parse(text: string): z.output<typeof Content> | undefined {
  try {
    return Content.safeParse(JSON.parse(Buffer.from(text, 'base64url').toString())).data;
  } catch {
    return undefined;
  }
}

function digestOf(filters: unknown): string {
  return createHash('sha256').update(JSON.stringify(filters)).digest('base64url').slice(0, 16);
}

function notACursor(what: string): PlatformError {
  return new PlatformError('INVALID_INPUT', `The value of \`cursor\` ${what}.`, {
    hint: 'Give the same filters and the `next` of the page before; leave it out for the first page.',
  });
}
