/** A name as the parse tree has it: folded, without quotes. */
export interface QualifiedName {
  /** undefined where the text names none, and the search path decides. */
  readonly schema: string | undefined;
  readonly name: string;
}
