import { z } from 'zod';
import type { CallContext } from '../calls/context.ts';
import type { Operation, Output } from '../calls/operation.ts';

type Unchanging<T> = T extends object ? { readonly [K in keyof T]: Unchanging<T[K]> } : T;

interface AdminSpec<Input extends z.ZodRawShape, Parts extends z.ZodRawShape> {
  readonly name: string;
  readonly area: 'audit' | 'configuration' | 'persona' | 'server';
  readonly title: string;
  readonly description: string;
  readonly reaches: Operation['reaches'];
  readonly input: Input;
  readonly output: Parts;
  readonly run: (
    input: z.output<z.ZodObject<Input>>,
    context: CallContext,
  ) => Promise<Unchanging<z.output<z.ZodObject<Parts>>>>;
}

/** Makes an operation on Howdah itself, or on what it needs of a server: of class `admin`, and not served over MCP. */
export function defineAdmin<const Input extends z.ZodRawShape, const Parts extends z.ZodRawShape>(
  spec: AdminSpec<Input, Parts>,
): Operation {
  const { run, input, output, ...facts } = spec;
  return {
    ...facts,
    kind: 'admin',
    accessClass: 'admin',
    alsoKnownAs: {},
    input: z.strictObject(input),
    output: z.object(output),
    run: async (context): Promise<Output> => run(context.input as z.output<z.ZodObject<Input>>, context),
  };
}
