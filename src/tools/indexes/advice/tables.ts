/** What is known of a table that advice is about. */
export interface AdvisedTable {
  readonly oid: string;
  readonly schema: string;
  readonly name: string;
  readonly kind: 'table' | 'partitioned table' | 'materialized view';
  readonly rows: number;
  readonly size: number;
  readonly columns: readonly AdvisedColumn[];
  readonly indexes: readonly ExistingIndex[];
  /** Since its counters were reset; null where they say nothing, as on a standby. */
  readonly writes: TableWrites | null;
}

export interface AdvisedColumn {
  readonly name: string;
  /** Name of its type in pg_type, such as `int4`; of an array that of its elements with `[]`. */
  readonly type: string;
  /** Whether text in it is compared byte by byte. */
  readonly collatesC: boolean;
  /** Average bytes of a value. */
  readonly width: number;
  /** How many different values it has; null where that is not known. */
  readonly distinct: number | null;
  readonly nullFraction: number | null;
}

export interface ExistingIndex {
  readonly name: string;
  readonly method: string;
  readonly keys: readonly ExistingKey[];
  readonly include: readonly string[];
  readonly isPartial: boolean;
  readonly isUnique: boolean;
  /** Of a constraint or a replica identity, so that nothing can take its place. */
  readonly isNeeded: boolean;
  readonly size: number;
}

export interface ExistingKey {
  /** Undefined of an expression. */
  readonly column: string | undefined;
  readonly isDescending: boolean;
  readonly nullsFirst: boolean;
  /** Of the default operator class and collation of its column. */
  readonly isPlain: boolean;
}

export interface TableWrites {
  readonly inserted: number;
  readonly updated: number;
  /** Of these, updates that wrote to no index. */
  readonly hotUpdated: number;
  readonly deleted: number;
}

export function columnOf(table: AdvisedTable, name: string): AdvisedColumn | undefined {
  return table.columns.find((column) => column.name === name);
}
