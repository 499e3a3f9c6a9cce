import { expect, it } from 'vitest';
import { z } from 'zod';
import { tools } from './all-tools.ts';

/** What is called so holds names of objects of a database. */
const NAMING = /(^|_)(schema|table|relation|column|index|sequence|view|constraint|trigger|policy|function|bound)s?$/;

/** Called so, but no such name. */
const NO_NAMES: ReadonlySet<string> = new Set(['generated_columns', 'statements_view']);

function unwrap(type: z.ZodType): z.ZodType {
  if (type instanceof z.ZodArray) return unwrap(type.element as z.ZodType);
  return type instanceof z.ZodNullable || type instanceof z.ZodOptional ? unwrap(type.unwrap() as z.ZodType) : type;
}

/** Fields that are called as if they named an object, and do not say what they name. */
function unmarked(type: z.ZodType, path: string): string[] {
  const inner = unwrap(type);
  if (!(inner instanceof z.ZodObject)) return [];
  return Object.entries(inner.shape as Record<string, z.ZodType>).flatMap(([key, field]) => {
    const at = `${path}.${key}`;
    const isSilent = unwrap(field) instanceof z.ZodString && field.meta()?.['names'] === undefined;
    return [...(NAMING.test(key) && isSilent && !NO_NAMES.has(key) ? [at] : []), ...unmarked(field, at)];
  });
}

it.each(tools.map((tool) => [tool.name, tool] as const))(
  '%s says of every field that names an object what it names, for the data rules of personas',
  (name, { output }) => {
    expect(unmarked(output, name)).toEqual([]);
  },
);

it('would find a field that does not say it', () => {
  const row = z.object({ referenced_table: z.string(), columns: z.array(z.string()).nullable(), size: z.int() });
  expect(unmarked(z.object({ rows: z.array(row) }), 'new_tool')).toEqual([
    'new_tool.rows.referenced_table',
    'new_tool.rows.columns',
  ]);
});
