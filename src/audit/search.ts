import { arrayText } from '../postgres/parameter-text.ts';
import type { Step } from '../postgres/wire.ts';
import { conditionsOf, createBindings, type AuditFilters } from './filters.ts';
import type { SearchPlace } from './search-cursor.ts';
import { selectColumns } from './store-rows.ts';

export interface SearchPage {
  readonly filters: AuditFilters;
  /** The page begins behind this event. */
  readonly after?: SearchPlace | undefined;
  readonly limit: number;
  /** By default the newest event is the first. */
  readonly oldestFirst?: boolean | undefined;
}

/**
 * One page of events in the order of (at, id), which every index that filters has as well, so that a page is read from
 * one place of one index in each partition. Several operations are as many such reads, merged.
 */
export function searchStep({ filters, after, limit, oldestFirst = false }: SearchPage): Step {
  const { bind, values } = createBindings();
  const conditions = conditionsOf(filters, bind);
  if (after !== undefined) conditions.push(...behind(bind(after.at), bind(after.id), oldestFirst));
  const most = `limit ${bind(String(limit))}::bigint`;
  const order = oldestFirst ? 'e.at, e.id' : 'e.at desc, e.id desc';
  if (filters.operations === undefined || filters.operations.length === 1) {
    const from = `from howdah.audit_event e ${where(conditions)}`;
    return { text: `select ${selectColumns('e')} ${from} order by ${order} ${most}`, values };
  }
  const names = `(select distinct o.name from unnest(${bind(arrayText(filters.operations))}::text[]) as o(name)) as o`;
  const found = `(select e.* from howdah.audit_event e ${where([...conditions, 'e.operation = o.name'])} order by ${order} ${most}) as e`;
  return {
    text: `select ${selectColumns('e')} from ${names} cross join lateral ${found} order by ${order} ${most}`,
    values,
  };
}

function where(conditions: readonly string[]): string {
  return conditions.length === 0 ? '' : `where ${conditions.join(' and ')}`;
}

/** The first condition says nothing that the second does not; by it partitions are left out. */
function behind(at: string, id: string, oldestFirst: boolean): string[] {
  const [edge, side] = oldestFirst ? ['>=', '>'] : ['<=', '<'];
  return [`e.at ${edge} ${at}::timestamptz`, `(e.at, e.id) ${side} (${at}::timestamptz, ${id}::uuid)`];
}
