import type { z } from 'zod';
import type { AccessClass } from '../contract/access-class.ts';
import type { ContentBlock } from '../contract/content.ts';
import type { CallContext } from './context.ts';

/** What an operation answers with. A list that may be capped stands under `rows`. */
export interface Output extends Readonly<Record<string, unknown>> {
  readonly rows?: readonly unknown[];
  readonly truncated?: boolean;
}

/** How another server's name for this operation maps: its argument names to ours. */
export type ArgumentNames = Readonly<Record<string, string>>;

/** The call that is made in the place of another. */
export interface Forwarded {
  readonly name: string;
  readonly arguments: unknown;
}

/** Anything a caller can do: declared once, served by every surface, run by one pipeline. */
export interface Operation {
  /** A tool is listed over MCP; a method answers a protocol request; admin is for the command line. */
  readonly kind: 'tool' | 'method' | 'admin';
  readonly name: string;
  readonly area: string;
  readonly accessClass: AccessClass;
  readonly title: string;
  readonly description: string;
  /** A strict object, so that what it does not name is refused; of a method an open one, since the protocol may add to it. */
  readonly input: z.ZodObject;
  readonly output: z.ZodType;
  /** `server`: its input has `server` and `database`, and the pipeline resolves and authorises them. */
  readonly reaches: 'server' | 'nothing';
  /** Names under which other servers publish the same operation: callable, resolved before policy, never listed. */
  readonly alsoKnownAs: Readonly<Record<string, ArgumentNames>>;
  /** Names of the operations that this one stands for with this input; the caller must be allowed each of them. */
  actsAs?(input: Readonly<Record<string, unknown>>): readonly string[];
  /**
   * Of a method that stands for no operation: that it tells nothing of servers or tools, or shows each caller only what
   * the persona allows. A method that says neither does not start.
   */
  readonly reveals?: 'nothing' | 'what_is_allowed';
  /**
   * Of one that only stands for diagnostics: which is called in its place, and with what. From there on the call is one
   * of that. Fails with INVALID_INPUT.
   */
  readonly forward?: (given: unknown) => Forwarded;
  run(context: CallContext): Promise<Output>;
  /** To one who may not call it, it is not there at all: its name, too, tells something. */
  readonly isHidden?: boolean;
  /** Whether it sends log messages to its caller; those of one that does not say so are lost. */
  readonly logs?: boolean;
  /** How long it may take with this input, if that is less than the persona's limit; no bound of its own where left out. */
  readonly timeoutMs?: (input: Readonly<Record<string, unknown>>) => number;
  /** Inputs that lists leave out, since a model pays for each: thresholds, and what hardly any call needs. */
  readonly unlisted?: readonly string[];
  /** What a client shows of the answer, where that is not the answer rendered as text. */
  present?(output: Output): readonly ContentBlock[];
  /** Whether a client gets the answer as data beside what it shows; it does where this is not said. */
  readonly structured?: boolean;
}
