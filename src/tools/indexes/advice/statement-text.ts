import { lex, type Token } from '../../../sqltext/lexer.ts';

interface Piece extends Token {
  /** In small letters, where it is a word. */
  readonly word: string | undefined;
  readonly depth: number;
}

/** Types that a constant may be written with: `date '2024-01-01'`, which is counted as `date $1`. */
const TYPES: ReadonlySet<string> = new Set([
  'date',
  'time',
  'timetz',
  'timestamp',
  'timestamptz',
  'interval',
  'uuid',
  'json',
  'jsonb',
  'inet',
  'cidr',
  'bytea',
  'boolean',
  'bool',
  'numeric',
  'point',
  'box',
]);

/**
 * A text of pg_stat_statements as one that parses: constants became `$n` there, also where the grammar takes none. Which
 * field `extract` asks for changes nothing of how rows are found.
 */
export function parsableText(text: string): string {
  const pieces = piecesOf(text);
  const edits: { readonly start: number; readonly end: number; readonly text: string }[] = [];
  for (const [i, piece] of pieces.entries()) {
    if (piece.kind !== 'parameter') continue;
    const parameter = text.slice(piece.start, piece.end);
    const before = pieces[i - 1];
    const isZoned = before?.word === 'zone' && pieces[i - 3]?.word === 'with';
    const type = isZoned ? pieces[i - 4] : before;
    if (type?.word !== undefined && TYPES.has(type.word)) {
      const name = isZoned ? `${type.word} with time zone` : type.word;
      edits.push({ start: type.start, end: piece.end, text: `${parameter}::${name}` });
    } else if (pieces[i - 2]?.word === 'extract' && pieces[i + 1]?.word === 'from') {
      edits.push({ start: piece.start, end: piece.end, text: 'epoch' });
    }
  }
  return edits
    .toReversed()
    .reduce((edited, edit) => edited.slice(0, edit.start) + edit.text + edited.slice(edit.end), text);
}

/**
 * What a statement reads, as a SELECT that may be planned by who may not write: the rows that an UPDATE or DELETE finds,
 * the query of an INSERT. Itself, of a SELECT; undefined where there is nothing to read, or it cannot be told.
 */
export function readingOf(text: string, type: string, readsMore: boolean): string | undefined {
  const words = createWords(text);
  switch (type) {
    case 'SelectStmt':
      return text;
    case 'InsertStmt':
      return readingOfInsert(words);
    case 'UpdateStmt':
      return readingOfUpdate(words, readsMore);
    case 'DeleteStmt':
      return readingOfDelete(words, readsMore);
    default:
      return undefined;
  }
}

function readingOfInsert({ find, cut }: Words): string | undefined {
  const select = find('select');
  const conflict = find('conflict', select);
  const query = cut(select, conflict === undefined ? find('returning', select) : conflict - 1);
  return query === undefined ? undefined : `SELECT ${query}`;
}

function readingOfUpdate(words: Words, readsMore: boolean): string | undefined {
  const { find } = words;
  const update = find('update');
  const set = find('set', update);
  if (update === undefined || set === undefined) return undefined;
  return compose(words, { verb: update, target: [update, set], others: readsMore ? find('from', set) : undefined });
}

function readingOfDelete(words: Words, readsMore: boolean): string | undefined {
  const { find } = words;
  const verb = find('delete');
  const from = find('from', verb);
  if (verb === undefined || from === undefined) return undefined;
  const others = readsMore ? find('using', from) : undefined;
  return compose(words, { verb, target: [from, others ?? find('where', from) ?? find('returning', from)], others });
}

/** The places of words. */
interface Parts {
  readonly verb: number;
  /** What is written to stands between these. */
  readonly target: readonly [number, number | undefined];
  /** What is joined to it stands behind this. */
  readonly others: number | undefined;
}

function compose({ find, cut, before }: Words, { verb, target, others }: Parts): string {
  const returning = find('returning', verb);
  const where = find('where', verb);
  const sources = [cut(...target), cut(others, where ?? returning)].filter((part) => part !== undefined);
  const condition = cut(where, returning);
  return `${before(verb)}SELECT 1 FROM ${sources.join(', ')}${condition === undefined ? '' : ` WHERE ${condition}`}`;
}

/** The words of a statement outside of all parentheses. */
interface Words {
  /** The place of the first such word from there on. */
  readonly find: (word: string, from?: number) => number | undefined;
  /** What stands between two words, or behind the first. */
  readonly cut: (from: number | undefined, to: number | undefined) => string | undefined;
  readonly before: (place: number) => string;
}

function createWords(text: string): Words {
  const pieces = piecesOf(text).filter(({ depth }) => depth === 0);
  return {
    find(word, from = 0) {
      // of IS DISTINCT FROM, too, it is no word of its own
      const at = pieces.findIndex((piece, i) => i >= from && piece.word === word && pieces[i - 1]?.word !== 'distinct');
      return at === -1 ? undefined : at;
    },
    cut(from, to) {
      if (from === undefined) return undefined;
      const end = to === undefined ? undefined : pieces[to]?.start;
      return text
        .slice(pieces[from]?.end, end)
        .replace(/[;\s]+$/, '')
        .trim();
    },
    before: (place) => text.slice(0, pieces[place]?.start),
  };
}

function piecesOf(text: string): Piece[] {
  let depth = 0;
  return lex(text).tokens.map((token) => {
    const piece = text.slice(token.start, token.end);
    if (piece === ')' || piece === ']') depth--;
    const made = { ...token, word: token.kind === 'word' ? piece.toLowerCase() : undefined, depth };
    if (piece === '(' || piece === '[') depth++;
    return made;
  });
}
