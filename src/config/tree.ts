/** The keys and indexes that lead to a value. */
export type Path = readonly PropertyKey[];

/** A copy of a tree of plain values with something else in the place of each text. */
export function mapTexts(tree: unknown, replace: (text: string, path: Path) => unknown): unknown {
  return visit(tree, []);

  function visit(node: unknown, path: Path): unknown {
    if (typeof node === 'string') return replace(node, path);
    if (Array.isArray(node)) return node.map((item, i) => visit(item, [...path, i]));
    if (typeof node !== 'object' || node === null) return node;
    return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, visit(value, [...path, key])]));
  }
}

/** undefined where nothing is. */
export function valueAt(tree: unknown, path: Path): unknown {
  return path.reduce<unknown>((node, key) => {
    if (typeof node !== 'object' || node === null || !Object.hasOwn(node, key)) return undefined;
    return Reflect.get(node, key);
  }, tree);
}
