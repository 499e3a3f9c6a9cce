import type { Relationship } from './relationships.ts';

/** More lines than these nobody reads. */
const LINES = 50;

type Edge = Pick<
  Relationship,
  'kind' | 'schema' | 'table' | 'columns' | 'referenced_schema' | 'referenced_table' | 'required' | 'unique'
>;

/** A Mermaid erDiagram; dashed are views and what inherits. https://mermaid.js.org/syntax/entityRelationshipDiagram.html */
export function drawRelationships(edges: readonly Edge[]): string {
  const entity = entityNames();
  const lines = edges.slice(0, LINES).map((edge) => {
    const child = entity(edge.schema, edge.table);
    const parent = entity(edge.referenced_schema, edge.referenced_table);
    return `  ${child} ${connector(edge)} ${parent} : "${plain(label(edge))}"`;
  });
  const more = edges.length - LINES;
  return ['erDiagram', ...lines, ...(more > 0 ? [`  %% and ${more} more`] : [])].join('\n');
}

/** How many rows of the child there are for one of the parent, and of the parent for one of the child. */
function connector({ kind, required, unique }: Edge): string {
  if (kind === 'view') return '}o..o{';
  if (kind !== 'foreign_key') return '|o..||';
  return `${unique === true ? '|o' : '}o'}--${required === true ? '||' : 'o|'}`;
}

function label({ kind, columns }: Edge): string {
  if (kind === 'foreign_key') return (columns ?? []).join(', ');
  return { view: 'reads', inheritance: 'inherits', partition: 'partition of' }[kind];
}

/** One entity for each relation, though their names may differ in characters only that Mermaid does not take. */
function entityNames(): (schema: string, table: string) => string {
  const given = new Map<string, string>();
  const taken = new Set<string>();
  return (schema, table) => {
    const key = JSON.stringify([schema, table]);
    const known = given.get(key);
    if (known !== undefined) return known;
    const wanted = plain(`${schema}.${table}`);
    let name = wanted;
    for (let n = 2; taken.has(name); n++) name = `${wanted} ${n}`;
    taken.add(name);
    given.set(key, `"${name}"`);
    return `"${name}"`;
  };
}

/** Without what would end a quoted name or a line, start a directive, an entity or a tag, or that nobody sees. */
function plain(name: string): string {
  return name.replaceAll(/["`%#;<>&{}\\\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu, '_');
}
