import { z } from 'zod';
import type { Operation } from '../calls/operation.ts';
import { PlatformError } from '../core/errors.ts';
import { sharedInputs } from './kit/inputs.ts';

const NAME = 'diagnose';

/**
 * One tool in the place of every diagnostic, for clients that pay for a long list of tools: a call of it is a call of
 * the diagnostic that it names. `names` are those that a list shows; none is checked here.
 */
export function createDiagnose(names?: readonly string[]): Operation {
  const input = z.strictObject({
    diagnostic: names === undefined ? z.string().min(1) : z.enum(names),
    ...sharedInputs,
    arguments: z.record(z.string(), z.unknown()).optional().describe('Its other inputs, as its resource has them.'),
  });
  return {
    kind: 'tool',
    name: NAME,
    area: 'server',
    accessClass: 'diagnostic',
    title: 'Diagnose',
    description: 'Runs one of the diagnostics; health_check runs all that judge.',
    alsoKnownAs: {},
    reaches: 'nothing',
    input,
    output: z.object({}),
    forward: (given) => {
      const parsed = input.safeParse(given ?? {});
      if (!parsed.success) throw malformed(z.prettifyError(parsed.error));
      const { diagnostic: name, arguments: own = {}, ...place } = parsed.data;
      const twice = Object.keys(own).find((key) => Object.hasOwn(place, key));
      if (twice !== undefined) throw malformed(`"${twice}" is given twice, once in "arguments"`);
      return { name, arguments: { ...place, ...own } };
    },
    run: () => Promise.reject(new Error(`${NAME} is forwarded, never run`)),
  };
}

function malformed(problem: string): PlatformError {
  return new PlatformError('INVALID_INPUT', `Invalid arguments: ${problem}.`, {
    hint: `${NAME} takes "diagnostic", "server", "database" and, for everything else, an object "arguments".`,
  });
}
