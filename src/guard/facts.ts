import type { QualifiedName } from './name.ts';
import type { References } from './references.ts';

/** What a database says about the names of one statement and about all that they reach, under one search path. */
export interface CatalogFacts {
  readonly major: number;
  /** The schemas that names without one are looked up in, in order; `pg_catalog` first. */
  readonly path: readonly string[];
  /** The first of that name on the path, as PostgreSQL would find it. */
  relation(name: QualifiedName): RelationFacts | undefined;
  relationByOid(oid: number): RelationFacts | undefined;
  /** Every overload on the path, since the types of the arguments choose. */
  functions(name: QualifiedName): readonly FunctionFacts[];
  /** The functions behind every operator of that name on the path. */
  operators(name: QualifiedName): readonly FunctionFacts[];
  type(name: QualifiedName): TypeFacts | undefined;
  /** What a statement may reach without naming it: casts between built-in types and of types that its functions return. */
  readonly unnamed: readonly Reach[];
}

/** What something reaches: names of definitions are qualified, since PostgreSQL has resolved them. */
export interface Reach extends References {
  readonly through: 'definition' | 'policy' | 'default' | 'types' | 'check' | 'cast';
}

export type RelationKind =
  | 'table'
  | 'partitioned table'
  | 'view'
  | 'materialized view'
  | 'foreign table'
  | 'sequence'
  | 'composite type'
  | 'TOAST table'
  | 'index';

export interface RelationFacts {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  readonly kind: RelationKind;
  /** Made by initdb, in pg_catalog or information_schema. */
  readonly isSystem: boolean;
  readonly columns: readonly ColumnFacts[];
  /** The extension that owns it. */
  readonly extension: string | undefined;
  /**
   * OIDs of its parents and children by inheritance or partitioning, all levels, and of other parents of those children,
   * whose rows they share; without itself.
   */
  readonly family: readonly number[];
  /** Those of its family whose rows are read with it, unless ONLY is said. */
  readonly descendants: readonly number[];
  /** Whether rules of users change what a statement that writes to it does. */
  readonly hasWriteRules: boolean;
  /** A foreign table whose rows a program prints. */
  readonly runsProgram: boolean;
  /**
   * What reading it by name reaches by views, row security, virtual generated columns and domains, each parsed. Empty for
   * what is only a relative of what the statement names.
   */
  readonly reaches: readonly Reach[];
  /** A text of a definition that could not be read as SQL; what it reaches is not known then. */
  readonly unreadable: boolean;
}

export interface ColumnFacts {
  readonly name: string;
  /** `attnum`, from 1. */
  readonly number: number;
  readonly typeOid: number;
  /** Of its type below all domains; a mask shows null where it would have to know the type and does not. */
  readonly baseType?: { readonly oid: number; readonly category: string } | undefined;
  /** Names of the columns that it is generated from. */
  readonly generatedFrom: readonly string[];
}

export interface FunctionFacts {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  /** Made by initdb, in pg_catalog. */
  readonly isBuiltIn: boolean;
  /** The extension that owns it. */
  readonly extension: string | undefined;
  readonly language: string;
  readonly volatility: 'immutable' | 'stable' | 'volatile';
  /** Names of its argument types, such as `pg_catalog.int4`. */
  readonly arguments: readonly string[];
  /** Whether a row may be its only argument, so that `u.f` calls it. */
  readonly takesRow: boolean;
}

export interface TypeFacts {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  readonly kind: 'base' | 'array' | 'composite' | 'domain' | 'enum' | 'pseudo' | 'range' | 'multirange';
  readonly isBuiltIn: boolean;
  readonly extension: string | undefined;
  /** What its parts, its domain checks and its own casts reach. */
  readonly reaches: readonly Reach[];
  /** A text of a check that could not be read as SQL. */
  readonly unreadable: boolean;
}
