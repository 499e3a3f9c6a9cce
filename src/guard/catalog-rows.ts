/** What the statements over the catalogue answer, as JSON. */

/** [schema, name, oid]: the name as it was asked for, with '' where it had no schema. */
type Found = readonly [schema: string, name: string, oid: number];

export interface NameRows {
  readonly encoding: string;
  readonly named: readonly Found[];
  readonly inherits: readonly (readonly [parent: number, child: number])[];
  readonly relations: readonly RelationRow[];
  readonly called: readonly (readonly [byOperator: boolean, schema: string, name: string, oid: number])[];
  readonly functions: readonly FunctionRow[];
  readonly argument_types: readonly (readonly [oid: number, schema: string, name: string])[];
  /** With what was found: its schema and name, and `typtype`, or `a` for an array. */
  readonly types: readonly (readonly [...Found, foundSchema: string, foundName: string, kind: string])[];
  readonly casts: readonly (readonly [source: number, target: number, schema: string, name: string])[];
}

export interface RelationRow {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  /** `relkind` */
  readonly kind: string;
  readonly row_security: boolean;
  readonly write_rules: boolean;
  readonly program: boolean;
  readonly extension: string | null;
  /** `generated` is `attgenerated`. */
  readonly columns:
    | readonly (readonly [
        name: string,
        number: number,
        typeOid: number,
        generated: string,
        from: readonly string[] | null,
        /** What is below its domains, with `typcategory`; null where its type is one of initdb. */
        base: readonly [oid: number, category: string] | null,
      ])[]
    | null;
}

export interface FunctionRow {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  readonly language: string;
  /** `provolatile` */
  readonly volatility: string;
  /** OIDs with spaces between them. */
  readonly arguments: string;
  readonly result: number;
  readonly takes_row: boolean;
  readonly extension: string | null;
}

export type DefinitionKind = 'definition' | 'policy' | 'default' | 'check';

export interface DefinitionRows {
  /** By relation, or by type for a check. */
  readonly texts: readonly (readonly [kind: DefinitionKind, owner: number, text: string | null])[];
  readonly uses: readonly UseRow[];
  readonly types: readonly TypeRow[];
}

export type UseRow = readonly [
  kind: DefinitionKind,
  owner: number,
  what: 'relation' | 'function' | 'operator' | 'type',
  schema: string,
  name: string,
  arity: number,
];

export interface TypeRow {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  /** `typtype`, or `a` for an array. */
  readonly kind: string;
  readonly extension: string | null;
  /** What it is made of, at all depths. */
  readonly parts: readonly number[] | null;
  /** Functions that making a value calls. */
  readonly calls: readonly (readonly [schema: string, name: string])[] | null;
}
