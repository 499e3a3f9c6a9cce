import type { CallOutcome } from '../calls/execute.ts';
import { renderAnswer } from '../render/answer.ts';
import type { Shell } from './shell.ts';

/** Prints the answer of a call; throws its error. */
export function printOutcome({ screen, json }: Pick<Shell, 'screen' | 'json'>, outcome: CallOutcome): void {
  if (!outcome.ok) throw outcome.error;
  const { operation, output } = outcome;
  if (json) screen.printJson(output);
  else screen.print(renderAnswer(operation, output, { width: screen.width, colors: screen.colors }));
}
