/** Whether a name matches one of the patterns; `*` stands for any run of characters, everything else for itself. */
export function compileGlobs(patterns: readonly string[]): (name: string) => boolean {
  const globs = patterns.map(compileGlob);
  return (name) => globs.some((matches) => matches(name));
}

/** Compares after Unicode normalisation (NFC) and exactly in case, in time proportional to the name per `*`. */
export function compileGlob(pattern: string): (name: string) => boolean {
  const pieces = pattern.normalize('NFC').split('*');
  const first = pieces[0] ?? '';
  const last = pieces.at(-1) ?? '';
  if (pieces.length === 1) return (name) => name.normalize('NFC') === first;
  const middle = pieces.slice(1, -1);
  return (given) => {
    const name = given.normalize('NFC');
    if (name.length < first.length + last.length || !name.startsWith(first) || !name.endsWith(last)) return false;
    let position = first.length;
    for (const piece of middle) {
      const found = name.indexOf(piece, position);
      if (found === -1) return false;
      position = found + piece.length;
    }
    return position <= name.length - last.length;
  };
}
