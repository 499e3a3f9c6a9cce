import { z } from 'zod';
import type { Operation } from '../../calls/operation.ts';
import { defineMethod } from './method.ts';

/** For clients of the legacy era, some of which send it unasked: without a session there is nothing that could keep it. */
export function loggingMethods(): readonly Operation[] {
  return [
    defineMethod({
      name: 'logging/setLevel',
      title: 'Set the level of log messages',
      description: 'Taken note of and not kept.',
      input: { level: z.string().min(1).max(20) },
      run: () => ({}),
    }),
  ];
}
