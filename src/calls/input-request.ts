import { z } from 'zod';
import type { ContentBlock } from '../contract/content.ts';

/** Something that an operation asks of the client, and through it of a person or a model. */
export type InputRequest =
  /** Flat fields of texts, numbers, booleans and choices. Never for a secret: clients show and keep what is typed. */
  | { readonly kind: 'form'; readonly message: string; readonly fields: z.ZodObject }
  /** A page to visit; what happens there does not pass through the client. */
  | { readonly kind: 'url'; readonly message: string; readonly url: string }
  | {
      readonly kind: 'sampling';
      readonly messages: readonly { readonly role: 'user' | 'assistant'; readonly content: ContentBlock }[];
      readonly maxTokens: number;
      readonly systemPrompt?: string;
    }
  /** The directories that the client works in. */
  | { readonly kind: 'roots' };

/** Requests by keys of the operation's own choosing. */
export type InputRequests = Readonly<Record<string, InputRequest>>;

/** What the client answered. `content` of a form fits its fields. */
export type InputResponse =
  | { readonly kind: 'form'; readonly action: 'accept'; readonly content: Readonly<Record<string, unknown>> }
  | { readonly kind: 'form'; readonly action: 'decline' | 'cancel' }
  | { readonly kind: 'url'; readonly action: 'accept' | 'decline' | 'cancel' }
  | ({ readonly kind: 'sampling' } & z.output<typeof Sampled>)
  | ({ readonly kind: 'roots' } & z.output<typeof Roots>);

export type InputResponses = Readonly<Record<string, InputResponse>>;

/** What a client says that it can do, in the form of the protocol's `clientCapabilities`. */
export type ClientCapabilities = Readonly<Record<string, unknown>>;

const Action = z.object({ action: z.enum(['accept', 'decline', 'cancel']) });
const Sampled = z.object({
  role: z.enum(['user', 'assistant']),
  content: z.union([z.looseObject({ type: z.string() }), z.array(z.looseObject({ type: z.string() }))]),
  model: z.string(),
  stopReason: z.string().optional(),
});
const Roots = z.object({ roots: z.array(z.object({ uri: z.string(), name: z.string().optional() })) });

const RESPONSES = {
  url: Action.transform((answer) => ({ kind: 'url' as const, ...answer })),
  sampling: Sampled.transform((answer) => ({ kind: 'sampling' as const, ...answer })),
  roots: Roots.transform((answer) => ({ kind: 'roots' as const, ...answer })),
};

/** Reads an answer strictly by what was asked; undefined for whatever does not fit. */
export function parseResponse(request: InputRequest, given: unknown): InputResponse | undefined {
  if (request.kind === 'form') return parseForm(request.fields, given);
  return RESPONSES[request.kind].safeParse(given).data;
}

function parseForm(fields: z.ZodObject, given: unknown): InputResponse | undefined {
  const { data } = Action.extend({ content: z.unknown() }).safeParse(given);
  if (data === undefined) return undefined;
  if (data.action !== 'accept') return { kind: 'form', action: data.action };
  const filledIn = fields.safeParse(data.content);
  return filledIn.success ? { kind: 'form', action: 'accept', content: filledIn.data } : undefined;
}

/** The least that a client must declare to be asked this; `elicitation: {}` alone means forms. */
const NEEDS = {
  form: { elicitation: { form: {} } },
  url: { elicitation: { url: {} } },
  sampling: { sampling: {} },
  roots: { roots: {} },
} as const satisfies Record<InputRequest['kind'], ClientCapabilities>;

export function canAnswer(kind: InputRequest['kind'], declared: ClientCapabilities): boolean {
  const [[name, modes] = ['', {}]] = Object.entries(NEEDS[kind]);
  const capability = Object.hasOwn(declared, name) ? declared[name] : undefined;
  if (typeof capability !== 'object' || capability === null) return false;
  const [mode] = Object.keys(modes);
  return mode === undefined || mode in capability || (mode === 'form' && Object.keys(capability).length === 0);
}

/** What the client lacks for these requests; undefined for nothing. */
export function missingCapabilities(
  requests: InputRequests,
  declared: ClientCapabilities,
): ClientCapabilities | undefined {
  const missing = Object.values(requests).filter(({ kind }) => !canAnswer(kind, declared));
  if (missing.length === 0) return undefined;
  return missing.map(({ kind }) => NEEDS[kind]).reduce<Record<string, object>>(merge, {});
}

function merge(all: Record<string, object>, needed: Readonly<Record<string, object>>): Record<string, object> {
  const entries = Object.entries(needed).map(([name, modes]) => [name, { ...all[name], ...modes }]);
  return { ...all, ...(Object.fromEntries(entries) as Record<string, object>) };
}
