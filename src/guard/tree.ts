/** The fields of a node of a parse tree, as libpg-query writes them: values that are 0, false or empty are left out. */
export type Fields = Readonly<Record<string, unknown>>;

/** A node with its type. */
export interface TreeNode {
  readonly type: string;
  readonly fields: Fields;
}

/** A node that says its type by its only key; undefined for the empty one that stands for NULL. */
export function nodeOf(value: unknown): TreeNode | undefined {
  if (!isObject(value)) return undefined;
  const [entry, ...more] = Object.entries(value);
  if (entry === undefined || more.length > 0 || !isObject(entry[1])) return undefined;
  return { type: entry[0], fields: entry[1] };
}

export function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isEmpty(value: unknown): boolean {
  return isObject(value) && Object.keys(value).length === 0;
}

/** A list of identifiers; undefined where there is something else in it. */
export function namesOf(value: unknown): readonly string[] | undefined {
  if (value === undefined) return [];
  if (!Array.isArray(value)) return undefined;
  const names = value.map((item: unknown) => stringOf(nodeOf(item)));
  return names.includes(undefined) ? undefined : (names as string[]);
}

/** The text of a String node. */
export function stringOf(node: TreeNode | undefined): string | undefined {
  if (node?.type !== 'String') return undefined;
  return typeof node.fields['sval'] === 'string' ? node.fields['sval'] : '';
}

/** A constant as it stands in the text: a whole number, or a string. */
export function literalOf(node: TreeNode | undefined): number | string | undefined {
  if (node?.type !== 'A_Const') return undefined;
  const { ival, sval } = node.fields;
  if (isObject(ival)) return typeof ival['ival'] === 'number' ? ival['ival'] : 0;
  if (isObject(sval)) return typeof sval['sval'] === 'string' ? sval['sval'] : '';
  return undefined;
}

export function locationOf(fields: Fields): number {
  const { location } = fields;
  return typeof location === 'number' ? location : 0;
}

/** The nodes of a list, without those that stand for NULL. */
export function listOf(value: unknown): readonly TreeNode[] {
  return Array.isArray(value) ? value.flatMap((item: unknown) => nodeOf(item) ?? []) : [];
}

export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
