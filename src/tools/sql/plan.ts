/** A node of a plan: EXPLAIN's own words under short names, and nothing that is empty. Costs are PostgreSQL's units. */
export interface PlanNode {
  readonly node: string;
  /** How it belongs to its parent where that is no plain input: `InitPlan`, `SubPlan`. */
  readonly role?: string;
  readonly subplan?: string;
  readonly join?: string;
  readonly strategy?: string;
  readonly schema?: string;
  readonly relation?: string;
  readonly alias?: string;
  readonly index?: string;
  readonly parallel?: true;
  readonly estimated_rows: number;
  readonly width: number;
  readonly startup_cost: number;
  readonly cost: number;
  /** Rows of one run; undefined without ANALYZE. */
  readonly rows?: number;
  /** How often it ran, in all processes together; 0: never. */
  readonly loops?: number;
  /** Of all runs, its children included; of one process, where several ran beside each other. */
  readonly time_ms?: number;
  readonly conditions?: Readonly<Record<string, string>>;
  readonly sorted_by?: readonly string[];
  readonly grouped_by?: readonly string[];
  /** Of one run, by which condition. */
  readonly removed?: Readonly<Record<string, number>>;
  readonly buffers?: Readonly<Record<string, number>>;
  readonly heap_fetches?: number;
  readonly sort?: { readonly method: string; readonly kb: number; readonly on_disk: boolean };
  readonly hash?: { readonly batches: number; readonly kb: number; readonly disk_kb: number };
  readonly heap_blocks?: { readonly exact: number; readonly lossy: number };
  readonly workers?: { readonly planned: number; readonly launched?: number };
  readonly inputs?: readonly PlanNode[];
}

export interface Plan {
  readonly root: PlanNode;
  readonly planning_ms?: number;
  readonly execution_ms?: number;
  readonly jit?: { readonly functions: number; readonly ms: number };
  /** Those that differ from the defaults of the server. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** Itself and all below, parents first. */
export function nodesOf(node: PlanNode): PlanNode[] {
  return [node, ...(node.inputs ?? []).flatMap(nodesOf)];
}

/** What of its time and its cost is not that of its inputs. */
export function ownShare(node: PlanNode): { readonly cost: number; readonly time_ms: number | undefined } {
  const inputs = (node.inputs ?? []).filter(({ role }) => role !== 'InitPlan' && role !== 'SubPlan');
  const sum = (of: (each: PlanNode) => number) => inputs.reduce((total, each) => total + of(each), 0);
  return {
    cost: Math.max(0, node.cost - sum(({ cost }) => cost)),
    time_ms: node.time_ms === undefined ? undefined : Math.max(0, node.time_ms - sum(({ time_ms }) => time_ms ?? 0)),
  };
}

/** Of one run, as they were or, without ANALYZE, as estimated. */
export function rowsPerRun({ rows, estimated_rows }: PlanNode): number {
  return rows ?? estimated_rows;
}
