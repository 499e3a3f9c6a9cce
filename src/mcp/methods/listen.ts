import { z } from 'zod';
import type { Operation } from '../../calls/operation.ts';
import { defineMethod } from './method.ts';

export const LISTEN_METHOD = 'subscriptions/listen';

/** The changes that a client can be told of; single resources are none of them, since nobody tells us. */
const filter = {
  toolsListChanged: z.boolean().optional(),
  promptsListChanged: z.boolean().optional(),
  resourcesListChanged: z.boolean().optional(),
} as const;

export type ListChange = keyof typeof filter;
export const LIST_CHANGES = Object.keys(filter) as readonly ListChange[];

/** What a subscription is told of. It says that a list changed, and nothing of what is in it. */
export function listenMethods(): readonly Operation[] {
  return [
    defineMethod({
      name: LISTEN_METHOD,
      title: 'Listen for changes',
      description: 'Opens a stream that tells when the lists of tools, prompts or resources may have changed.',
      reveals: 'nothing',
      input: { notifications: z.object(filter) },
      run: ({ notifications }) => ({
        notifications: Object.fromEntries(
          LIST_CHANGES.filter((change) => notifications[change] === true).map((change) => [change, true]),
        ),
      }),
    }),
  ];
}
