import { loadModule, scanSync } from 'libpg-query';
import { beforeAll, expect, it } from 'vitest';
import { lex } from './lexer.ts';

/** A token of each type of constants. */
const SAMPLES = ["'a'", "U&'a'", "B'1'", "X'1'", '1', '1.5'];
const ATOMS =
  String.raw`select|from|ab|e|x|n|u&|$1|$|$$|$t$|'|''|'a'|E'\\'|e'\''|'\\'|U&'\0041'|"q"|"a""b"|U&"c"|--|--c~|/*|*/|/* c */|/|*|+|-|~|~ ~| |	|1|2.5|.5|1e5|1e-5|0x1F|1_000|..|.|:|::|,|(|)|;|[|]|@>|->>|#|?|ä`
    .split('|')
    .map((atom) => atom.replaceAll('~', '\n'));

/** PostgreSQL allows comments inside of a continued string; libpg_query, which keeps comments as tokens, does not. */
const CONTINUED_BEHIND_COMMENT = /'\s*--[^\n]*\n\s*(?:--[^\n]*\n\s*)*'/;
interface Range {
  readonly start: number;
  readonly end: number;
}

const constantTypes = new Set<number | undefined>();

beforeAll(async () => {
  await loadModule();
  for (const sample of SAMPLES) constantTypes.add(scanSync(sample).tokens[0]?.tokenType);
});

it("hides the constants that PostgreSQL's own scanner finds, and nothing else, in random texts", () => {
  const random = createRandom(18);
  let compared = 0;
  for (let i = 0; i < 20_000; i++) {
    const text = Array.from({ length: 1 + random(12) }, () => ATOMS[random(ATOMS.length)] ?? '').join('');
    const theirs = scanConstants(text);
    const { tokens, open } = lex(text);
    // what is read in two ways or ends in the middle is masked to the end
    if (theirs === undefined || open || CONTINUED_BEHIND_COMMENT.test(text)) continue;
    compared++;
    const ours = tokens.filter(({ kind }) => kind === 'constant');
    expect({ text, hidden: hide(text, ours) }).toEqual({ text, hidden: hide(text, theirs) });
  }
  expect(compared).toBeGreaterThan(5000);
});

/** In characters; undefined when the scanner refuses the text. */
function scanConstants(text: string): Range[] | undefined {
  try {
    const bytes = Buffer.from(text);
    const toCharacters = (at: number) => bytes.subarray(0, at).toString().length;
    return scanSync(text)
      .tokens.filter(({ tokenType }) => constantTypes.has(tokenType))
      .map(({ start, end }) => ({ start: toCharacters(start), end: toCharacters(end) }));
  } catch {
    return undefined;
  }
}

/** Hides the N of `N'…'` and a dot behind a number always: whether these are a part of the constant shows nothing. */
function hide(text: string, ranges: readonly Range[]): string {
  const characters = text.split('');
  for (const { start, end } of ranges) characters.fill('█', start, end);
  return characters.join('').replaceAll(/n█|█\./gi, '██');
}

/** A linear congruential generator: the same texts in every run. */
function createRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state >>> 8) % below;
  };
}
