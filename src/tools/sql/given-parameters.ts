import { z } from 'zod';
import type { TypedParameter } from '../../calls/callers-sql.ts';
import { PlatformError } from '../../core/errors.ts';
import { typedParameter, Value } from './typed-parameter.ts';

const Parameter = z.union([
  Value,
  z.strictObject({
    type: z.string().min(1).max(100),
    value: z.union([Value, z.array(Value), z.record(z.string(), z.unknown())]),
  }),
]);

/** Judged by `readParameters`, whose words say more; clients want to see what a value may be. */
export const parameterInput = z.unknown().meta({
  anyOf: ['string', 'number', 'boolean', 'null', 'object'].map((type) => ({ type })),
});

export const parametersInput = z
  .array(parameterInput)
  .optional()
  .describe('Of $1, $2 …, each plain or { type, value }.');

/** Fails with INVALID_INPUT for what is no value. */
export function readParameters(given: readonly unknown[]): TypedParameter[] {
  return given.map(readParameter);
}

function readParameter(given: unknown, index: number): TypedParameter {
  const refuse = (problem: string) => {
    throw new PlatformError('INVALID_INPUT', `$${index + 1} ${problem}.`, {
      hint: 'A value is a text, number, boolean or null, by itself or as { "type": "numeric", "value": "1.10" }.',
    });
  };
  const { data } = Parameter.safeParse(given);
  if (data === undefined) return refuse('is no value');
  if (typeof data !== 'object' || data === null) return typedParameter(undefined, data, refuse);
  return typedParameter(data.type, data.value, refuse);
}
