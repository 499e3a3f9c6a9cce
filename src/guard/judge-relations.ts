import type { DataAccess } from './access.ts';
import type { CatalogFacts, Reach, RelationFacts } from './facts.ts';
import { hidingOf, mayBeHidden } from './hidden-relations.ts';
import { refuseRelation, shownName } from './relation-rules.ts';
import type { References, RelationReference } from './references.ts';
import { disclosureOf } from './system-relations.ts';
import type { Refusal } from './verdict.ts';

/** The relations of users that a statement reads, by name or through definitions and children. */
export interface ReachedRelations {
  readonly relations: readonly RelationFacts[];
}

/** Judges everything that a statement reads by what the rules of the persona say of it; the first fault is told. */
export function judgeRelations(
  references: References,
  facts: CatalogFacts,
  access: DataAccess,
): Refusal | ReachedRelations {
  const judging: Judging = { facts, access, reached: new Map(), seen: new Set() };
  for (const reference of references.relations) {
    const refusal = judgeNamed(judging, reference);
    if (refusal !== undefined) return refusal;
  }
  return judgeCteNames(references, judging) ?? { relations: [...judging.reached.values()] };
}

interface Judging {
  readonly facts: CatalogFacts;
  readonly access: DataAccess;
  readonly reached: Map<number, RelationFacts>;
  /** What was judged already, and under which rules. */
  readonly seen: Set<string>;
}

/** How a relation is reached. */
interface Way {
  readonly reference: RelationReference;
  /** What the statement names, through which it is reached. */
  readonly named: RelationFacts;
  readonly at: number;
  /** Whether what the persona may not see may be read here: a view that it was granted does, and a policy shows no data. */
  readonly hiddenIsOpen: boolean;
  readonly isTarget: boolean;
}

function judgeNamed(judging: Judging, reference: RelationReference): Refusal | undefined {
  const { facts, access } = judging;
  const { at } = reference;
  const relation = facts.relation(reference);
  const unknown = () =>
    refuseRelation('relation/unknown', `There is no relation ${shownName(reference)} that is open to you.`, at);
  // that an index is there tells of its table
  if (relation === undefined || (access.hides && !READABLE.has(relation.kind))) return unknown();
  const hiding = hidingOf(relation, facts, access);
  if (hiding === 'all') return unknown();
  if (hiding === 'columns' && reference.sampled) {
    return refuseRelation(
      'relation/sampled',
      `${shownName(relation)} has columns that are hidden from you, and cannot be sampled.`,
      at,
    );
  }
  const isTarget = reference.form === 'target';
  if (hiding === 'columns' && isTarget) {
    return refuseRelation(
      'relation/target',
      `${shownName(relation)} has columns that are hidden from you, and no plan of a change shows them.`,
      at,
    );
  }
  return judgeRead(judging, relation, { reference, named: relation, at, hiddenIsOpen: false, isTarget });
}

/** What holds however a relation is reached. */
function judgeRead(judging: Judging, relation: RelationFacts, way: Way): Refusal | undefined {
  const key = [relation.oid, way.hiddenIsOpen, way.isTarget, way.reference.only].join();
  if (judging.seen.has(key)) return undefined;
  judging.seen.add(key);
  if (relation.isSystem) return judgeSystem(judging, relation, way);
  judging.reached.set(relation.oid, relation);
  return (
    judgeKind(judging, relation, way) ??
    judgeForeign(judging, relation, way) ??
    judgeDefinitions(judging, relation, way) ??
    judgeDescendants(judging, relation, way)
  );
}

function judgeSystem(
  { access }: Judging,
  relation: RelationFacts,
  { named, at, hiddenIsOpen }: Way,
): Refusal | undefined {
  const disclosure = disclosureOf(relation.schema, relation.name);
  const name = shownName(relation);
  if (disclosure === undefined) {
    return refuseRelation('relation/not-reviewed', `What ${name} tells has not been reviewed.`, at);
  }
  if (disclosure === 'credentials') return refuseRelation('relation/credentials', `${name} holds credentials.`, at);
  if (disclosure === 'open' || !access.hides || hiddenIsOpen) return undefined;
  if (named !== relation) return refuseView(named, at);
  return disclosure === 'values'
    ? refuseRelation('relation/statistics', `${name} tells values of tables, and some are hidden from you.`, at)
    : refuseRelation('relation/catalogue', `${name} tells of all objects, and some are hidden from you.`, at);
}

function refuseView(named: RelationFacts, at: number): Refusal {
  return refuseRelation('relation/view', `${shownName(named)} reads what is hidden from you.`, at);
}

const READABLE: ReadonlySet<RelationFacts['kind']> = new Set([
  'table',
  'partitioned table',
  'view',
  'materialized view',
  'foreign table',
  'sequence',
]);

function judgeKind(
  { access }: Judging,
  relation: RelationFacts,
  { at, isTarget, hiddenIsOpen }: Way,
): Refusal | undefined {
  const { kind } = relation;
  const name = shownName(relation);
  if (!READABLE.has(kind))
    return refuseRelation('relation/kind', `${name} is of the kind "${kind}", which is not queried.`, at);
  // its value tells of the rows of a table, which may be hidden
  if (kind === 'sequence' && access.hides && !hiddenIsOpen) {
    return refuseRelation('relation/kind', `${name} is a sequence, and some data are hidden from you.`, at);
  }
  if (isTarget && relation.hasWriteRules) {
    return refuseRelation('relation/rules', `Rules on ${name} rewrite what is written to it.`, at);
  }
  return undefined;
}

function judgeForeign({ access }: Judging, relation: RelationFacts, { at }: Way): Refusal | undefined {
  if (relation.kind !== 'foreign table') return undefined;
  const name = shownName(relation);
  if (relation.runsProgram) return refuseRelation('relation/foreign', `Reading ${name} runs a program.`, at);
  if (access.grantsRelation(relation.schema, relation.name)) return undefined;
  return refuseRelation(
    'relation/foreign',
    `${name} is a foreign table: reading it reaches another server or a file.`,
    at,
  );
}

function judgeDefinitions(judging: Judging, relation: RelationFacts, way: Way): Refusal | undefined {
  if (relation.unreadable) {
    return refuseRelation('relation/unreadable', `What ${shownName(relation)} reaches could not be read.`, way.at);
  }
  const isGranted = judging.access.grantsRelation(relation.schema, relation.name);
  for (const reach of relation.reaches) {
    const isDefinition = reach.through === 'definition';
    const inner = {
      ...way,
      hiddenIsOpen: way.hiddenIsOpen || isGranted || !isDefinition,
      // what is written to a view is written to what it shows
      isTarget: way.isTarget && isDefinition,
    };
    const refusal = judgeReach(judging, reach, inner);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

function judgeReach(judging: Judging, reach: Reach, way: Way): Refusal | undefined {
  for (const reference of reach.relations) {
    const relation = judging.facts.relation(reference);
    if (relation === undefined) {
      return refuseRelation('relation/unreadable', `What ${shownName(way.named)} reaches could not be read.`, way.at);
    }
    const isHidden = !way.hiddenIsOpen && hidingOf(relation, judging.facts, judging.access) !== 'nothing';
    if (isHidden) return refuseView(way.named, way.at);
    const refusal = judgeRead(judging, relation, { ...way, reference });
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

/** Rows of children come with those of the relation, foreign ones too. */
function judgeDescendants(judging: Judging, relation: RelationFacts, way: Way): Refusal | undefined {
  if (way.reference.only) return undefined;
  for (const oid of relation.descendants) {
    const child = judging.facts.relationByOid(oid);
    if (child === undefined) {
      return refuseRelation('relation/unreadable', `What ${shownName(relation)} reaches could not be read.`, way.at);
    }
    judging.reached.set(oid, child);
    const refusal = judgeForeign(judging, child, way);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

/** A query in WITH that has the name of something hidden could be taken for it, or it for the query. */
function judgeCteNames({ ctes }: References, { facts, access }: Judging): Refusal | undefined {
  if (!access.hides) return undefined;
  const clash = [...ctes].find((name) => {
    const relation = facts.relation({ schema: undefined, name });
    const isPartly = relation !== undefined && hidingOf(relation, facts, access) === 'columns';
    return isPartly || mayBeHidden(name, facts.path, access);
  });
  if (clash === undefined) return undefined;
  return refuseRelation(
    'relation/cte-name',
    `The name ${shownName({ schema: undefined, name: clash })} in WITH may be that of a table with hidden data.`,
    -1,
  );
}
