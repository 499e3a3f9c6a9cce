import { readConfigFile } from '../config/file.ts';
import { PlatformError } from '../core/errors.ts';
import { withHowdah } from './local-howdah.ts';
import { printOutcome } from './print-outcome.ts';
import type { Shell } from './shell.ts';

interface Question {
  readonly as?: string;
  readonly tool?: string;
  readonly server?: string;
  readonly database?: string;
}

export async function listPersonas(shell: Shell): Promise<number> {
  return administer(shell, 'persona_list', {});
}

export async function explainPersona(shell: Shell, { as, ...asked }: Question): Promise<number> {
  if (as !== undefined) return administer(shell, 'persona_explain', { as, ...asked });
  throw new PlatformError('INVALID_INPUT', 'Whose rights are to be explained?', {
    hint: 'Add --as with a persona, roles, the id of a key, or anonymous.',
  });
}

/** Exit code 1 for a mismatch. */
export async function testPersonas(shell: Shell, file: string): Promise<number> {
  const { text } = await readConfigFile(file);
  return administer(shell, 'persona_test', { source: file, text }, 'ok');
}

/** Exit code 1 when something changes. */
export async function diffPersonas(shell: Shell, file: string): Promise<number> {
  return administer(shell, 'persona_diff', { file }, 'same');
}

/** Exit code 1 where `holds` is not true in the answer. */
async function administer(shell: Shell, name: string, given: object, holds?: string): Promise<number> {
  return withHowdah(shell, {}, async (howdah) => {
    const outcome = await howdah.administer({ name, arguments: given });
    printOutcome(shell, outcome);
    return holds === undefined || (outcome.ok && outcome.output[holds] === true) ? 0 : 1;
  });
}
