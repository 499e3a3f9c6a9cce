import type { CallContext } from '../../calls/context.ts';
import type { ContentBlock } from '../../contract/content.ts';

/** Messages that a person picks in their client, to begin a conversation with. */
export interface Prompt {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly arguments: readonly PromptArgument[];
  /** The tools that the messages name. Who may not call one of them is not offered the prompt. */
  readonly tools: readonly string[];
  /** `given` has what is required and nothing that is not declared. */
  messages(
    given: Readonly<Record<string, string>>,
    context: CallContext,
  ): readonly PromptMessage[] | Promise<readonly PromptMessage[]>;
}

export interface PromptArgument {
  readonly name: string;
  readonly description: string;
  readonly required: boolean;
}

export interface PromptMessage {
  readonly role: 'user' | 'assistant';
  readonly content: ContentBlock;
}
