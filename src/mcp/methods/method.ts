import { z } from 'zod';
import type { CallContext } from '../../calls/context.ts';
import type { Operation, Output } from '../../calls/operation.ts';

type Values<Input extends z.ZodRawShape> = z.output<z.ZodObject<Input>>;

/** The parameters of a request, as they came. */
export type Params = Readonly<Record<string, unknown>>;

interface MethodFacts<Input extends z.ZodRawShape> {
  /** The protocol's own name, such as `tools/list`; a second operation of one method has one more part. */
  readonly name: string;
  readonly title: string;
  readonly description: string;
  /** The parameters of the method; those that the protocol has beside them are passed over. */
  readonly input: Input;
  /** The method whose requests this operation answers, where that is not its name, and for which of them. */
  readonly answers?: Answers;
  readonly reaches?: Operation['reaches'];
  /** Answers with the method's result. */
  readonly run: (input: Values<Input>, context: CallContext) => Promise<Output> | Output;
}

/** Whose rights a method needs, or why it needs none of its own. */
type MethodPolicy<Input extends z.ZodRawShape> =
  | { readonly actsAs: (input: Values<Input>) => readonly string[]; readonly reveals?: undefined }
  | { readonly reveals: NonNullable<Operation['reveals']>; readonly actsAs?: undefined };

export type MethodSpec<Input extends z.ZodRawShape> = MethodFacts<Input> & MethodPolicy<Input>;

export interface Answers {
  readonly method: string;
  /** The operation's arguments; undefined when the request is another operation's. Decides nothing about rights. */
  take(params: Params): Params | undefined;
}

/** An operation that answers requests of the protocol. */
export interface Method extends Operation {
  readonly kind: 'method';
  readonly answers: Answers;
}

/**
 * Makes an operation of a method of the protocol. It reveals only what its caller may have: by the operations that it
 * acts as, and by leaving out of its lists what the persona may not call.
 */
export function defineMethod<const Input extends z.ZodRawShape>(spec: MethodSpec<Input>): Method {
  const { name, title, description, actsAs, reveals } = spec;
  return {
    kind: 'method',
    name,
    area: 'mcp',
    accessClass: 'schema',
    title,
    description,
    input: z.object(spec.input),
    output: z.looseObject({}),
    answers: spec.answers ?? { method: name, take: (params) => params },
    reaches: spec.reaches ?? 'nothing',
    alsoKnownAs: {},
    ...(reveals && { reveals }),
    ...(actsAs && { actsAs: (input: Readonly<Record<string, unknown>>) => actsAs(input as Values<Input>) }),
    run: async (context) => spec.run(context.input as Values<Input>, context),
  };
}
