import { isRecord } from '../core/record.ts';
import { lex } from '../sqltext/lexer.ts';
import type { DataAccess } from './access.ts';
import type { CatalogFacts, RelationFacts } from './facts.ts';
import type { Approved } from './guard.ts';
import { hiddenColumns } from './hidden-columns.ts';
import { createNameTokens } from './name-tokens.ts';

/** What may be told of the relations in a plan. */
interface PlanAccess {
  /** Whether a scan of it may be shown: it is named by the statement or reached by it, and not hidden. */
  shows(relation: string): boolean;
  /** Whether its conditions are those of the statement alone: no policy adds to them, and nothing of it is hidden. */
  isPlain(relation: string): boolean;
  /** Whether there may be conditions that the statement does not have. */
  readonly hasOthers: boolean;
  /** Whether an expression may be a mask, or name what is hidden. */
  isHidden(identifier: string): boolean;
}

/** Numbers, and words of PostgreSQL's own. What is not here, as what a later version adds, is left out. */
const KEPT = keys(`
  Node Type; Strategy; Partial Mode; Operation; Command; Join Type; Scan Direction; Parent Relationship;
  Parallel Aware; Async Capable; Single Copy; Inner Unique; Disabled; Cache Mode; Startup Cost; Total Cost;
  Plan Rows; Plan Width; Planned Partitions; Workers Planned; Subplans Removed; Actual Startup Time;
  Actual Total Time; Actual Rows; Actual Loops; Workers Launched; Worker Number; Sort Method;
  Sort Space Used; Sort Space Type; Hash Buckets; Original Hash Buckets; Hash Batches; Original Hash Batches;
  Peak Memory Usage; HashAgg Batches; Disk Usage; Storage; Maximum Storage; Heap Fetches; Exact Heap Blocks;
  Lossy Heap Blocks; Index Searches; Cache Hits; Cache Misses; Cache Evictions; Cache Overflows; Estimates;
  Full-sort Groups; Pre-sorted Groups; Group Count; Sort Methods Used; Sort Space Memory; Sort Space Disk;
  Average Sort Space Used; Peak Sort Space Used; Shared Hit Blocks; Shared Read Blocks;
  Shared Dirtied Blocks; Shared Written Blocks; Local Hit Blocks; Local Read Blocks; Local Dirtied Blocks;
  Local Written Blocks; Temp Read Blocks; Temp Written Blocks; I/O Read Time; I/O Write Time;
  Shared I/O Read Time; Shared I/O Write Time; Local I/O Read Time; Local I/O Write Time; Temp I/O Read Time;
  Temp I/O Write Time; WAL Records; WAL FPI; WAL Bytes; Planning Time; Execution Time; Functions; Inlining;
  Optimization; Expressions; Deforming; Timing; Generation; Emission; Total; Time; Deform; Memory Used;
  Memory Allocated; Output Volume; Format`);
/** Read as the plan itself is. */
const NESTED = keys(`
  Plan; Plans; Workers; Planning; JIT; Options; Timing; Serialization; Generation; Full-sort Groups;
  Pre-sorted Groups; Sort Space Memory; Sort Space Disk; Sort Methods Used`);
const CONDITIONS = keys(`
  Filter; Index Cond; Recheck Cond; Hash Cond; Merge Cond; Join Filter; Sort Key; Presorted Key; Group Key`);
/** Which relation a node is about, and by what names. */
const NAMES = keys(`
  Relation Name; Schema; Alias; Index Name; CTE Name`);

function keys(list: string): ReadonlySet<string> {
  return new Set(list.split(';').map((key) => key.trim()));
}

/**
 * A plan as EXPLAIN (FORMAT JSON) gives it, without what could tell of hidden data: conditions keep their shape only
 * where nothing hidden is in them, and never a constant; counts of rows that were thrown away are left out.
 */
export function withholdPlan(plan: unknown, { relations, facts }: PlanOf, access: DataAccess): unknown {
  return access.hides ? withholdNode(plan, planAccess(relations, facts, access)) : plan;
}

/** The statement that the plan is of, as the guard approved it. */
type PlanOf = Pick<Approved, 'relations' | 'facts'>;

function planAccess(
  relations: readonly RelationFacts[],
  facts: CatalogFacts | undefined,
  access: DataAccess,
): PlanAccess {
  const hiddenOf = new Map(
    relations.map((relation) => [relation, facts === undefined ? undefined : hiddenColumns(relation, facts, access)]),
  );
  const names = new Set([...hiddenOf.values()].flatMap((hidden) => [...(hidden?.keys() ?? [])]));
  const called = (name: string) => relations.filter((relation) => relation.name === name);
  // a condition of a policy, of a generated column or of a domain can turn up wherever the planner puts it
  const hasOthers = relations.some(({ kind, reaches }) => reaches.length > 0 && !kind.endsWith('view'));
  const shows = (name: string) => {
    const found = called(name);
    if (found.length === 0) return name.startsWith('pg_');
    return found.every(({ schema }) => access.relation(schema, name).access !== 'denied');
  };
  return {
    shows,
    isPlain: (name) => !hasOthers && shows(name) && called(name).every((each) => hiddenOf.get(each)?.size === 0),
    hasOthers,
    isHidden: (identifier) => names.has(identifier) || called(identifier).some(({ name }) => !shows(name)),
  };
}

function withholdNode(plan: unknown, access: PlanAccess): unknown {
  if (Array.isArray(plan)) return plan.map((each) => withholdNode(each, access));
  if (!isRecord(plan)) return plan;
  const isPlain = isPlainNode(plan, access);
  return Object.fromEntries(
    Object.entries(plan).flatMap(([key, value]): [string, unknown][] => {
      if (NESTED.has(key) && typeof value === 'object') return [[key, withholdNode(value, access)]];
      if (KEPT.has(key)) return typeof value === 'object' ? [] : [[key, value]];
      if (NAMES.has(key)) return showsName(plan, key, access) ? [[key, value]] : [];
      if (CONDITIONS.has(key) && isPlain) return keepCondition(key, value, access);
      return [];
    }),
  );
}

function relationOf(node: Readonly<Record<string, unknown>>): string | undefined {
  const name = node['Relation Name'];
  return typeof name === 'string' ? name : undefined;
}

/** A node without a relation puts together what others have scanned, where every condition of a policy stays below. */
function isPlainNode(node: Readonly<Record<string, unknown>>, access: PlanAccess): boolean {
  const relation = relationOf(node);
  if (relation !== undefined) return access.isPlain(relation);
  return !access.hasOthers && !('Index Name' in node);
}

function showsName(node: Readonly<Record<string, unknown>>, key: string, access: PlanAccess): boolean {
  const relation = relationOf(node);
  // the name of an index tells its columns
  if (key === 'Index Name') return relation !== undefined && access.shows(relation) && access.isPlain(relation);
  return relation === undefined || access.shows(relation);
}

function keepCondition(key: string, value: unknown, access: PlanAccess): [string, unknown][] {
  if (Array.isArray(value)) {
    const texts = value.map((each) => withoutConstants(each, access));
    return texts.includes(undefined) ? [] : [[key, texts]];
  }
  const text = withoutConstants(value, access);
  return text === undefined ? [] : [[key, text]];
}

/** Undefined where something hidden may be in it. */
function withoutConstants(expression: unknown, access: PlanAccess): string | undefined {
  if (typeof expression !== 'string') return undefined;
  const lexed = lex(expression);
  const names = createNameTokens(expression, lexed);
  if (lexed.open) return undefined;
  let [text, at] = ['', 0];
  for (const [i, { kind, start, end }] of lexed.tokens.entries()) {
    const identifier = names.identifier(i);
    if (kind === 'name' && identifier === undefined) return undefined;
    if (identifier !== undefined && access.isHidden(identifier)) return undefined;
    text += expression.slice(at, start) + (kind === 'constant' ? '…' : expression.slice(start, end));
    at = end;
  }
  return text + expression.slice(at);
}
