import { stringify } from 'yaml';
import { readConfigFile } from '../config/file.ts';
import { createConfigError, type Problem } from '../config/problem.ts';
import { parseYamlTree } from '../config/yaml-tree.ts';
import { PlatformError } from '../core/errors.ts';
import { isRecord } from '../core/record.ts';
import { escapeControl } from '../sqltext/untrusted-text.ts';
import { withHowdah } from './local-howdah.ts';
import { printOutcome } from './print-outcome.ts';
import type { Shell } from './shell.ts';

interface Question {
  readonly as?: string;
  readonly tool?: string;
  readonly server?: string;
  readonly database?: string;
  readonly table?: string;
  readonly function?: string;
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

interface Change {
  readonly reason?: string;
  readonly 'if-version'?: string;
}

export async function setPersona(
  shell: Shell,
  name: string,
  { file, ...change }: Change & { readonly file?: string },
): Promise<number> {
  const path = required(file, '--file', 'with the persona as YAML, as under `personas.<name>` in a configuration');
  const problems: Problem[] = [];
  const spec = (await parseYamlTree((await readConfigFile(path)).text, path, problems)) ?? {};
  if (!isRecord(spec)) problems.push({ path: '', message: 'is no mapping; write the keys of the persona' });
  if (problems.length > 0) throw createConfigError(path, problems);
  return mend(shell, 'persona_set', { name, spec, ...changeOf(change) });
}

export async function revertPersona(
  shell: Shell,
  name: string,
  { to, ...change }: Change & { readonly to?: string },
): Promise<number> {
  const version = required(to, '--to', 'with the version to go back to');
  return mend(shell, 'persona_revert', { name, to: numberOf(version), ...changeOf(change) });
}

export async function removePersona(shell: Shell, name: string, change: Change): Promise<number> {
  return mend(shell, 'persona_remove', { name, ...changeOf(change) });
}

export async function showPersona(shell: Shell, name: string): Promise<number> {
  return withHowdah(shell, { embeddedStore: 'found', mendsPersonas: true }, async (howdah) => {
    const outcome = await howdah.administer({ name: 'persona_show', arguments: { name } });
    if (!outcome.ok || shell.json) printOutcome(shell, outcome);
    else {
      const { spec, ...facts } = outcome.output;
      // what is not the persona itself are comments, so that the text can be set again
      for (const [key, value] of Object.entries(facts)) {
        if (value !== null) shell.screen.print(`# ${key}: ${escapeControl(JSON.stringify(value))}`);
      }
      shell.screen.print(stringify(spec).trimEnd());
    }
    return 0;
  });
}

export async function listVersions(shell: Shell, name: string): Promise<number> {
  return withHowdah(shell, { embeddedStore: 'found', mendsPersonas: true }, async (howdah) => {
    const outcome = await howdah.administer({ name: 'persona_history', arguments: { name } });
    printOutcome(shell, outcome);
    return 0;
  });
}

interface Granting {
  readonly to?: string;
  readonly issuer?: string;
  readonly for?: string;
  readonly reason?: string;
}

export async function grantPersona(shell: Shell, persona: string, given: Granting): Promise<number> {
  const { to, reason, issuer } = given;
  return mend(shell, 'persona_grant', {
    persona,
    to: required(to, '--to', 'with the id of a key, the subject of an issuer, or role:<role>'),
    for: required(given.for, '--for', 'with how long, such as 2h'),
    reason: required(reason, '--reason', 'with why, for those who look at it later'),
    ...(issuer !== undefined && { issuer }),
  });
}

export async function listGrants(shell: Shell, { active = false }: { readonly active?: boolean }): Promise<number> {
  return withHowdah(shell, { embeddedStore: 'found', mendsPersonas: true }, async (howdah) => {
    printOutcome(shell, await howdah.administer({ name: 'persona_grants', arguments: { active } }));
    return 0;
  });
}

export async function revokeGrant(shell: Shell, grant: string, { reason }: Change): Promise<number> {
  return mend(shell, 'persona_revoke', { grant, reason: required(reason, '--reason', 'with why') });
}

/** What may also put right what keeps everything else from starting. */
async function mend(shell: Shell, name: string, given: object): Promise<number> {
  return withHowdah(shell, { embeddedStore: 'made', mendsPersonas: true }, async (howdah) => {
    printOutcome(shell, await howdah.administer({ name, arguments: given }));
    return 0;
  });
}

function changeOf({ reason, 'if-version': version }: Change): object {
  return {
    reason: required(reason, '--reason', 'with why, for those who look at it later'),
    ...(version !== undefined && { if_version: numberOf(version) }),
  };
}

/** What is no number goes through the pipeline all the same, so that it is on record. */
function numberOf(text: string): number | string {
  return /^\d{1,9}$/.test(text) ? Number(text) : text;
}

function required(given: string | undefined, option: string, what: string): string {
  if (given !== undefined) return given;
  throw new PlatformError('INVALID_INPUT', `${option} is missing.`, { hint: `Add ${option} ${what}.` });
}

/** Exit code 1 where `holds` is not true in the answer. */
async function administer(shell: Shell, name: string, given: object, holds?: string): Promise<number> {
  return withHowdah(shell, { embeddedStore: 'found', mendsPersonas: true }, async (howdah) => {
    const outcome = await howdah.administer({ name, arguments: given });
    printOutcome(shell, outcome);
    return holds === undefined || (outcome.ok && outcome.output[holds] === true) ? 0 : 1;
  });
}
