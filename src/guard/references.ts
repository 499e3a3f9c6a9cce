import type { QualifiedName } from './name.ts';

/** Where something stands in the text: bytes of UTF-8 from 0; -1 where the parser does not say. */
export interface Located {
  readonly at: number;
}

/** A relation that a statement names, and no CTE. */
export interface RelationReference extends QualifiedName, Located {
  readonly only: boolean;
  readonly alias: string | undefined;
  /** Whether TABLESAMPLE is applied. */
  readonly sampled: boolean;
  /** `from`: an item of FROM; `table`: of `TABLE name`; `target`: what an explained INSERT, UPDATE, DELETE or MERGE is about. */
  readonly form: 'from' | 'table' | 'target';
}

export interface FunctionReference extends QualifiedName, Located {
  /** How many arguments the call has; undefined where a call cannot be told from its arguments alone, as with VARIADIC. */
  readonly argumentCount: number | undefined;
  /** Whether its value is a column of the answer or cast to text, so that no other value is read as one of its type. */
  readonly isAlone?: boolean;
}

export interface OperatorReference extends QualifiedName, Located {
  readonly arity: 1 | 2;
}

export interface TypeReference extends QualifiedName, Located {}

/** `u.f` and `(expression).f`: a column, or a function of one row. */
export interface AttributeReference extends Located {
  readonly name: string;
  /** The `u` of `u.f`, where everything of that name in the statement is a relation. */
  readonly qualifier: string | undefined;
  /** Whether it can only call a function of a row, as `u.f` does; `(expression).f` calls functions of any type. */
  readonly onlyRow: boolean;
}

/** Everything of a database that one parse tree names. */
export interface References {
  readonly relations: readonly RelationReference[];
  readonly functions: readonly FunctionReference[];
  readonly operators: readonly OperatorReference[];
  readonly types: readonly TypeReference[];
  readonly attributes: readonly AttributeReference[];
  /** Names of the CTEs, which hide relations of the same name within their scope. */
  readonly ctes: ReadonlySet<string>;
}
