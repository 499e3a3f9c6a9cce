import { createCatalog } from '../calls/catalog.ts';
import { isRecord } from '../core/record.ts';
import { tools } from '../tools/all-tools.ts';
import { defineCommand, PURPOSE_OPTION, type Command, type Given } from './command.ts';
import { argumentsOf, flagsOf, optionsOf } from './flags.ts';
import { withHowdah } from './local-howdah.ts';
import { printOutcome } from './print-outcome.ts';

const INPUT = {
  type: 'string',
  value: '<json>',
  description: 'Arguments as a JSON object, beside or instead of flags',
} as const;

/** `call` with a tool: a command with the flags of that tool. Fails with NOT_FOUND. */
export function narrowCall(call: Command, name: string): Command {
  const { operation, argumentNames } = createCatalog(tools).find(name);
  const flags = flagsOf(operation, argumentNames);
  return defineCommand({
    name: `call ${name}`,
    group: call.group,
    summary: `${operation.title}: ${operation.description.replace(/\.$/, '')}`,
    positionals: [],
    options: { ...optionsOf(flags), input: INPUT, ...PURPOSE_OPTION },
    examples: [],
    run: async (shell, { values }) => {
      const { input, ...flagged } = values as Given['values'];
      const given = joinArguments(argumentsOf(flags, flagged), typeof input === 'string' ? input : undefined);
      return withHowdah(shell, {}, async (howdah) => {
        printOutcome(shell, await howdah.call({ name, ...given }));
        return 0;
      });
    },
  });
}

/** What is wrong goes through the pipeline all the same, so that it is on record. */
function joinArguments(
  flagged: Readonly<Record<string, unknown>>,
  input: string | undefined,
): { arguments: unknown; malformed?: string } {
  if (input === undefined) return { arguments: flagged };
  const parsed = parseObject(input);
  if (parsed === undefined) return { arguments: flagged, malformed: 'The value of --input is no JSON object.' };
  const twice = Object.keys(parsed).find((key) => Object.hasOwn(flagged, key));
  const joined = { ...parsed, ...flagged };
  if (twice === undefined) return { arguments: joined };
  return { arguments: joined, malformed: `The argument "${twice}" is given twice, in --input and as a flag.` };
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    return isRecord(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}
