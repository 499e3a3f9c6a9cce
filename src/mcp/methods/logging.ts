import { z } from 'zod';
import type { Operation } from '../../calls/operation.ts';
import { defineMethod } from './method.ts';

export const SET_LEVEL_METHOD = 'logging/setLevel';

/** For clients of the legacy era, some of which send it unasked. A session keeps the level; over HTTP there is none. */
export function loggingMethods(): readonly Operation[] {
  return [
    defineMethod({
      name: SET_LEVEL_METHOD,
      title: 'Set the level of log messages',
      description: 'For the messages of a session; over HTTP it changes nothing.',
      reveals: 'nothing',
      input: { level: z.string().min(1).max(20) },
      run: () => ({}),
    }),
  ];
}
