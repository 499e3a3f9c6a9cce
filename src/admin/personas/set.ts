import { z } from 'zod';
import type { CallContext } from '../../calls/context.ts';
import { createConfigError } from '../../config/problem.ts';
import { PlatformError } from '../../core/errors.ts';
import { nearest } from '../../core/nearest.ts';
import type { Policy } from '../../policy/policy.ts';
import {
  keyOfVersion,
  nextNumber,
  PERSONA_TABLE,
  readVersions,
  versionStep,
  type FoundVersion,
  type PersonaVersion,
} from '../../policy/stored-personas.ts';
import { parsePersona, readStoredRules, type StoredRules } from '../../policy/stored-rules.ts';
import { defineAdmin } from '../admin-operation.ts';
import { authorOf, checkRules, notWritten, requireEditor, writeBound, type RuleEditor } from './edits.ts';

export const PersonaName = z
  .string()
  .regex(/^[a-z][a-z0-9_-]{0,62}$/, 'a name is a lower-case letter, then up to 62 lower-case letters, digits, _ or -');
export const Reason = z.string().trim().min(1).max(1000).describe('Why, for those who look at it later.');

const change = {
  name: PersonaName,
  reason: Reason,
  if_version: z.int().min(0).optional().describe('Only if this is the version in force; 0 for none.'),
};
const written = { name: z.string(), version: z.int(), policy_version: z.string().nullable() };

type Editor = () => RuleEditor | undefined;

export function personaSet(editor: Editor) {
  return defineAdmin({
    name: 'persona_set',
    area: 'persona',
    title: 'Set a persona',
    description: 'Writes a version of a persona to the store, which is in force on every replica within a second.',
    reaches: 'nothing',
    input: { ...change, spec: z.record(z.string(), z.unknown()).describe('As under `personas` in the file.') },
    output: written,
    run: ({ spec, ...given }, context) => edit(requireEditor(editor()), { ...given, context, next: () => spec }),
  });
}

export function personaRemove(editor: Editor) {
  return defineAdmin({
    name: 'persona_remove',
    area: 'persona',
    title: 'Remove a persona',
    description: 'Takes a persona of the store out of force; its versions stay, and it can be reverted to one of them.',
    reaches: 'nothing',
    input: change,
    output: written,
    run: (given, context) =>
      edit(requireEditor(editor()), {
        ...given,
        context,
        next(versions) {
          if (versions[0]?.spec) return null;
          throw notInStore(given.name);
        },
      }),
  });
}

export function personaRevert(editor: Editor) {
  return defineAdmin({
    name: 'persona_revert',
    area: 'persona',
    title: 'Revert a persona',
    description: 'Writes what an earlier version of a persona said as its newest one.',
    reaches: 'nothing',
    input: { ...change, to: z.int().min(1).describe('The version to go back to.') },
    output: written,
    run: ({ to, ...given }, context) =>
      edit(requireEditor(editor()), {
        ...given,
        context,
        next(versions) {
          const found = versions.find(({ version }) => version === to);
          if (found) return found.spec;
          throw new PlatformError('NOT_FOUND', `The persona "${given.name}" has no version ${to} in the store.`, {
            hint: `\`howdah persona history ${given.name}\` lists its versions.`,
          });
        },
      }),
  });
}

interface Edit {
  readonly name: string;
  readonly reason: string;
  readonly if_version?: number | undefined;
  readonly context: CallContext;
  /** What it is to say; null for nothing. `versions` are the authentic ones, the newest first. */
  readonly next: (versions: readonly FoundVersion[]) => unknown;
}

async function edit(editor: RuleEditor, given: Edit) {
  const done = await editor.alone(() => writeVersion(editor, given));
  // written is written: that something else keeps it from being in force here is said by the log
  await editor.refresh().catch(() => undefined);
  return done;
}

async function writeVersion(editor: RuleEditor, { name, reason, if_version: expected, context, next }: Edit) {
  const all = await readVersions(editor.store, [name]);
  const versions = all.filter(({ isAuthentic }) => isAuthentic);
  requireVersion(name, expected, versions[0]);
  const spec = next(versions);
  if (spec !== null) requireNotInFile(editor, name);
  const { rules } = await readStoredRules(editor.store);
  const source = `The persona "${name}"`;
  const policy = checkRules(editor, withPersona(rules, name, spec), { source, before: rules });
  requireNotGranted(name, policy, rules);
  const version = nextNumber(all);
  const at = new Date().toISOString();
  const row: PersonaVersion = { name, version, spec, at, author: authorOf(context), reason };
  const isWritten = await writeBound(editor, {
    operation: spec === null ? 'persona_remove' : 'persona_set',
    context,
    table: PERSONA_TABLE,
    row: keyOfVersion(row),
    details: { reason, version_before: versions[0]?.version ?? null, policy_version_after: policy?.version ?? null },
    step: (eventId) => versionStep(editor.store.keys, row, eventId),
  });
  if (!isWritten) throw await explainUnwritten(editor, name, versions[0]);
  return { name, version, policy_version: policy?.version ?? null };
}

/** Somebody was quicker, or there is another hand in the store. */
async function explainUnwritten(
  { store }: RuleEditor,
  name: string,
  before: FoundVersion | undefined,
): Promise<PlatformError> {
  const newest = (await readVersions(store, [name])).find(({ isAuthentic }) => isAuthentic);
  if (newest?.version === before?.version) return notWritten();
  return versionConflict(name, before?.version ?? 0, newest);
}

/** A grant of a persona that is not there would leave its caller without any. */
function requireNotGranted(name: string, policy: Policy | undefined, { grants }: StoredRules): void {
  const grant = grants.find(({ persona }) => persona === name);
  if (!grant || !policy || policy.personas().some((each) => each.name === name)) return;
  throw new PlatformError('CONFLICT', `The persona "${name}" is granted to somebody.`, {
    hint: `Revoke the grant first: howdah persona revoke ${grant.id}.`,
    details: { grant: grant.id },
  });
}

/** Fails with CONFLICT. A persona that was removed is none, and is of its newest version as well. */
function requireVersion(name: string, expected: number | undefined, newest: FoundVersion | undefined): void {
  const isNone = newest === undefined || newest.spec === null;
  if (expected === undefined || expected === newest?.version || (expected === 0 && isNone)) return;
  throw versionConflict(name, expected, newest);
}

/** Says who has changed it and when. */
function versionConflict(name: string, expected: number, newest: FoundVersion | undefined): PlatformError {
  const version = newest?.version ?? 0;
  const what = newest ? `has the version ${version}, by ${newest.author} at ${newest.at}` : 'is not in the store';
  return new PlatformError('CONFLICT', `The persona "${name}" ${what}; you expected version ${expected}.`, {
    hint: `See \`howdah persona show ${name}\`, and make your change over again.`,
    details: { version, author: newest?.author ?? null, at: newest?.at ?? null, reason: newest?.reason ?? null },
  });
}

function requireNotInFile({ file }: RuleEditor, name: string): void {
  if (file().personas[name] === undefined) return;
  throw new PlatformError('CONFLICT', `The persona "${name}" stands in the configuration file, which is what counts.`, {
    hint: 'Change it there and send SIGHUP; or take it out of the file first, and then set it here.',
  });
}

function withPersona(rules: StoredRules, name: string, spec: unknown): StoredRules {
  const { [name]: _, ...others } = rules.personas;
  if (spec === null) return { ...rules, personas: others };
  const parsed = parsePersona(name, spec);
  if ('problems' in parsed) throw createConfigError(`The persona "${name}"`, parsed.problems);
  return { ...rules, personas: { ...others, [name]: parsed.spec } };
}

export function notInStore(name: string, names: readonly string[] = []): PlatformError {
  const near = nearest(name, names);
  return new PlatformError('NOT_FOUND', `The store has no persona "${name}".`, {
    hint: near === undefined ? '`howdah persona list` shows where each is from.' : `Did you mean "${near}"?`,
  });
}
