import { keyOf, typeDraft, type CatalogDraft } from './catalog-draft.ts';
import type { DefinitionKind, DefinitionRows } from './catalog-rows.ts';
import type { Reach } from './facts.ts';
import { FIRST_USER_OID } from './function-facts.ts';
import { reachOfFunctions, reachOfText, reachOfTypes, reachOfUse, relationsOnly } from './reach.ts';
import type { References } from './references.ts';

/** Parses statements of definitions and says what each names; undefined for one that is not understood. */
export type ReadDefinitions = (texts: readonly string[]) => Promise<readonly (References | undefined)[]>;

/** Takes in types and definitions, and gives what they reach. */
export async function addDefinitions(
  draft: CatalogDraft,
  rows: DefinitionRows,
  readDefinitions: ReadDefinitions,
): Promise<readonly Reach[]> {
  const added = addTypes(draft, rows);
  const texts = rows.texts;
  const statements = texts.map(([kind, , text]) => (kind === 'definition' ? (text ?? '') : `SELECT ${text ?? ''}`));
  const read = await readDefinitions(statements);
  for (const [i, [kind, owner, text]] of texts.entries()) {
    const references = text === null ? undefined : read[i];
    if (references === undefined) ownerOf(draft, kind, owner).unreadable = true;
    else added.push(addReach(draft, owner, reachOfText(kind, references)));
  }
  for (const use of rows.uses) added.push(addReach(draft, use[1], reachOfUse(use)));
  return added;
}

/** Casts of users that any expression may apply, between built-in types. */
export function castsOfBuiltIns({ casts }: CatalogDraft): Reach[] {
  const anywhere = casts.filter(([source, target]) => source < FIRST_USER_OID && target < FIRST_USER_OID);
  return anywhere.map(([, , schema, name]) => reachOfFunctions('cast', [{ schema, name }]));
}

function addTypes(draft: CatalogDraft, { types }: DefinitionRows): Reach[] {
  const rows = types.filter(({ oid }) => !draft.types.has(oid));
  for (const row of rows) {
    draft.types.set(row.oid, typeDraft(row));
    draft.typesByName.set(keyOf(row), row.oid);
    if (row.kind === 'c') draft.rows.push({ schema: row.schema, name: row.name });
  }
  return rows
    .filter(({ oid }) => oid >= FIRST_USER_OID)
    .flatMap(({ oid, parts, calls }) => {
      const reaches = [
        reachOfTypes((parts ?? []).flatMap((part) => draft.types.get(part) ?? [])),
        reachOfFunctions(
          'types',
          (calls ?? []).map(([schema, name]) => ({ schema, name })),
        ),
        ...draft.casts
          .filter(([source, target]) => source === oid || target === oid)
          .map(([, , schema, name]) => reachOfFunctions('cast', [{ schema, name }])),
      ];
      draft.types.get(oid)?.reaches.push(...reaches);
      return reaches;
    });
}

function addReach(draft: CatalogDraft, oid: number, reach: Reach): Reach {
  const owner = ownerOf(draft, reach.through, oid);
  const isStored = 'kind' in owner && owner.kind === 'materialized view';
  const added = isStored && reach.through === 'definition' ? relationsOnly(reach) : reach;
  owner.reaches.push(added);
  return added;
}

/** What came with the answer that names the owner; a gap in that is a fault. */
function ownerOf(
  draft: CatalogDraft,
  through: Reach['through'],
  oid: number,
): { reaches: Reach[]; unreadable: boolean } {
  const owner = through === ('check' satisfies DefinitionKind) ? draft.types.get(oid) : draft.relations.get(oid);
  if (owner === undefined) throw new Error(`The catalogue answered for ${oid}, which was not asked for.`);
  return owner;
}
