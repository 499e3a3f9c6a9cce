/** How the rows of an answer read as bars, the first rows first: each bar is labelled by fields and stacked of others. */
export interface ChartSpec {
  /** The list that holds the rows; `rows` if left out. */
  readonly of?: string;
  /** Fields whose values name a bar, such as schema and table. */
  readonly label: readonly string[];
  /** Fields of one unit, which add up; at most six. */
  readonly values: readonly string[];
}
