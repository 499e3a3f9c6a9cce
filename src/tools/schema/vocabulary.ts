import { fold, isUnspaced, likeness, piecesOf, wordsOf } from './words.ts';

/** The words of many texts, each of which is there once; texts have numbers from 0. */
export interface Vocabulary {
  /** The number of a new text. */
  add(text: string): number;
  /** Adds texts that have a word like this one, each with its likest times `weight`, where it has none that is better. */
  find(word: string, weight: number, found: Map<number, Match>): void;
  /** Adds texts that have all these words, in one of their forms. */
  findAll(words: readonly string[], weight: number, found: Map<number, Match>): void;
  /** How many words a text has, at least 1. */
  countOf(text: number): number;
  /** Whether the words of a text, run together, are this one. */
  isWhole(text: number, word: string): boolean;
  /** Characters of all texts and words. */
  readonly size: number;
}

export interface Match {
  readonly likeness: number;
  /** Of the text. */
  readonly word: string;
}

/** What two words have in common at least to be taken for like. */
const LEAST_LIKE = 0.3;
/** From here on two words are forms of one. */
const SAME_WORD = 0.8;
/** Pieces that two words share, of all that they have, at least; of words in unspaced scripts. */
const LEAST_SHARED = 0.4;
const LEAST_SHARED_UNSPACED = 0.3;
/** Of a longer text the run of all words is no name that anybody asks for. */
const MOST_RUN = 6;

interface Word {
  readonly text: string;
  /** Numbers of the texts that have it. */
  readonly texts: number[];
  /** How many pieces it has; 0 of what is compared as a whole, as the run of all words of a name. */
  pieces: number;
  /** What it was found to be like in the search with this number. */
  shared: number;
}

export function createVocabulary(): Vocabulary {
  const words = new Map<string, Word>();
  const byPiece = new Map<string, Word[]>();
  const counts: number[] = [];
  const runs: (Word | undefined)[] = [];
  let size = 0;

  function wordFor(text: string): Word {
    const known = words.get(text);
    if (known) return known;
    const word: Word = { text, texts: [], pieces: 0, shared: 0 };
    words.set(text, word);
    size += text.length;
    return word;
  }

  function addPieces(word: Word): void {
    const pieces = new Set(piecesOf(word.text));
    word.pieces = pieces.size;
    for (const piece of pieces) {
      const having = byPiece.get(piece);
      if (having) having.push(word);
      else byPiece.set(piece, [word]);
    }
  }

  function likeWords(asked: string): Map<Word, number> {
    const like = new Map<Word, number>();
    const exact = words.get(asked);
    if (exact) like.set(exact, 1);
    const pieces = new Set(piecesOf(asked));
    const touched: Word[] = [];
    for (const piece of pieces) {
      for (const word of byPiece.get(piece) ?? []) if (word.shared++ === 0) touched.push(word);
    }
    for (const word of touched) {
      const alike = Math.max(likeness(asked, word.text), similar(word, pieces.size));
      word.shared = 0;
      if (word !== exact && alike >= LEAST_LIKE) like.set(word, alike);
    }
    return like;
  }

  return {
    get size() {
      return size;
    },
    countOf: (text) => Math.max(1, counts[text] ?? 1),
    isWhole: (text, word) => runs[text]?.text === word,
    add(text) {
      const number = counts.length;
      const own = wordsOf(text);
      size += text.length;
      counts.push(own.length);
      for (const each of own) {
        const word = wordFor(each);
        word.texts.push(number);
        if (word.pieces === 0) addPieces(word);
      }
      // orderitems finds order_items
      const run = own.length <= MOST_RUN && own.length > 0 ? wordFor(own.join('')) : undefined;
      if (own.length > 1) run?.texts.push(number);
      runs.push(run);
      return number;
    },
    find(asked, weight, found) {
      const like = [...likeWords(asked)].toSorted(([, a], [, b]) => b - a);
      for (const [{ text: word, texts }, alike] of like) putAll(found, texts, { likeness: alike * weight, word });
    },
    findAll(asked, weight, found) {
      let common: Set<number> | undefined;
      for (const each of asked) {
        const having = new Set<number>();
        for (const [{ texts }, alike] of likeWords(fold(each))) {
          if (alike < SAME_WORD) continue;
          for (const text of texts) if (!common || common.has(text)) having.add(text);
        }
        common = having;
        if (common.size === 0) break;
      }
      putAll(found, common ?? [], { likeness: weight, word: asked.join(' ') });
    },
  };
}

function putAll(found: Map<number, Match>, texts: Iterable<number>, match: Match): void {
  for (const text of texts) {
    const known = found.get(text);
    if (known === undefined || known.likeness < match.likeness) found.set(text, match);
  }
}

/** By the pieces that two words share; less than any form of one word. */
function similar({ text, shared, pieces }: Word, asked: number): number {
  const share = shared / (asked + pieces - shared);
  if (isUnspaced(text)) return share >= LEAST_SHARED_UNSPACED ? 0.15 + 0.6 * share : 0;
  // the edges of a short word are most of it
  return share >= LEAST_SHARED && text.length > 3 ? 0.15 + 0.6 * share : 0;
}
