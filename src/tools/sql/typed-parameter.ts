import { z } from 'zod';
import type { TypedParameter } from '../../calls/callers-sql.ts';

/** A value as JSON has it. */
export const Value = z.union([z.string(), z.number(), z.boolean(), z.null()]);

type Given = z.output<typeof Value> | readonly z.output<typeof Value>[] | Readonly<Record<string, unknown>>;

/** `refuse` is told what is wrong, to be said behind the name of the parameter. */
export function typedParameter(
  type: string | undefined,
  value: Given,
  refuse: (problem: string) => never,
): TypedParameter {
  if (typeof value !== 'object' || value === null) return { type, value: exact(value, refuse) };
  if (type !== undefined && /^jsonb?$/i.test(type.trim())) return { type, value: JSON.stringify(value) };
  if (!Array.isArray(value)) return refuse('is an object, which only json and jsonb take');
  if (type?.trim().endsWith(']') !== true) return refuse('is a list, whose type must end with []');
  return { type, value: value.map((each: z.output<typeof Value>) => element(each, refuse)) };
}

/** A whole number beyond 2^53 has lost digits before it came here. */
function exact<T>(value: T, refuse: (problem: string) => never): T {
  if (typeof value !== 'number' || !Number.isInteger(value) || Number.isSafeInteger(value)) return value;
  return refuse('is a number that JSON does not carry exactly; write it as a text');
}

function element(value: z.output<typeof Value>, refuse: (problem: string) => never): string {
  if (value === null) return refuse('has null in a list; write the whole as a text, such as {1,NULL}');
  return String(exact(value, refuse));
}
