import { z } from 'zod';
import { builtInPersonas } from '../../policy/built-in.ts';
import { readVersions, type FoundVersion } from '../../policy/stored-personas.ts';
import { defineAdmin } from '../admin-operation.ts';
import { requireEditor, type RuleEditor } from './edits.ts';
import { notInStore, PersonaName } from './set.ts';
import type { Surroundings } from './surroundings.ts';

const Spec = z.record(z.string(), z.unknown());

export function personaShow({ editor, config, policy }: Surroundings) {
  return defineAdmin({
    name: 'persona_show',
    area: 'persona',
    title: 'A persona as it is written',
    description: 'What a persona says, where it is from, and who wrote it and why where that is the store.',
    reaches: 'nothing',
    input: { name: PersonaName },
    output: {
      name: z.string(),
      from: z.enum(['built in', 'file', 'store']),
      version: z.int().nullable().describe('Of a persona of the store, for if_version.'),
      at: z.string().nullable(),
      author: z.string().nullable(),
      reason: z.string().nullable(),
      spec: Spec,
    },
    run: async ({ name }) => {
      const stands = { name, version: null, at: null, author: null, reason: null };
      const file = (editor()?.file() ?? config).personas[name];
      if (file) return { ...stands, from: 'file' as const, spec: file };
      const found = editor() && newestOf(await readVersions(requireEditor(editor()).store, [name]));
      if (found?.spec) return { ...describe(found), from: 'store' as const, spec: found.spec as z.output<typeof Spec> };
      const builtIn = Object.entries(builtInPersonas).find(([each]) => each === name)?.[1];
      if (builtIn) return { ...stands, from: 'built in' as const, spec: builtIn };
      const names = policy().personas();
      throw notInStore(
        name,
        names.map((persona) => persona.name),
      );
    },
  });
}

export function personaHistory(editor: () => RuleEditor | undefined) {
  return defineAdmin({
    name: 'persona_history',
    area: 'persona',
    title: 'Versions of a persona',
    description: 'Every version of a persona in the store, the newest first: who wrote it, when and why.',
    reaches: 'nothing',
    input: { name: PersonaName },
    output: {
      rows: z.array(
        z.object({
          version: z.int(),
          state: z.enum(['set', 'removed', 'refused']).describe('`refused`: Howdah did not write it.'),
          at: z.string(),
          author: z.string(),
          reason: z.string(),
          spec: Spec.nullable(),
        }),
      ),
    },
    run: async ({ name }) => {
      const versions = await readVersions(requireEditor(editor()).store, [name]);
      if (versions.length === 0) throw notInStore(name);
      return {
        rows: versions.map((version) => {
          const { name: _, ...facts } = describe(version);
          const state = version.spec === null ? ('removed' as const) : ('set' as const);
          const spec = version.spec as z.output<typeof Spec> | null;
          return { ...facts, state: version.isAuthentic ? state : ('refused' as const), spec };
        }),
      };
    },
  });
}

function newestOf(versions: readonly FoundVersion[]): FoundVersion | undefined {
  return versions.find(({ isAuthentic }) => isAuthentic);
}

function describe({ name, version, at, author, reason }: FoundVersion) {
  return { name, version, at, author, reason };
}
