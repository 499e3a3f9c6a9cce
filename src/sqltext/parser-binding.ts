import pgQuery from 'libpg-query/wasm/libpg-query.js';

/** The part of the compiled parser that is used; pointers are numbers, 0 for none. */
interface ParserModule {
  lengthBytesUTF8(text: string): number;
  stringToUTF8(text: string, pointer: number, size: number): void;
  UTF8ToString(pointer: number): string;
  getValue(pointer: number, type: 'i32'): number;
  readonly _malloc: (size: number) => number;
  readonly _free: (pointer: number) => void;
  readonly _wasm_parse_query_raw: (text: number) => number;
  readonly _wasm_free_parse_result: (result: number) => void;
}

/** What the parser makes of a text: the tree as JSON, or its complaint with its place in characters from 1. */
export type Parsed = { readonly json: string } | { readonly message: string; readonly position: number };

export type ParseText = (text: string) => Parsed;

/** Where the members of PgQueryParseResult and PgQueryError stand, in bytes. */
const RESULT = { tree: 0, error: 8 };
const ERROR = { message: 0, position: 16 };

/**
 * The parser of libpg-query without its JavaScript, which makes objects of the tree where the text of it is wanted. What
 * is thrown says that the parser is broken.
 */
export async function loadParser(): Promise<ParseText> {
  const parser = await (pgQuery as unknown as () => Promise<ParserModule>)();
  const { _malloc: allocate, _free: free, _wasm_parse_query_raw: parse, _wasm_free_parse_result: freeResult } = parser;
  const read = (pointer: number) => parser.getValue(pointer, 'i32');

  function toParsed(result: number): Parsed {
    const error = read(result + RESULT.error);
    if (error !== 0) {
      const message = parser.UTF8ToString(read(error + ERROR.message));
      return { message, position: Math.max(1, read(error + ERROR.position)) };
    }
    const tree = read(result + RESULT.tree);
    if (tree === 0) throw new Error('The parser gave no tree.');
    return { json: parser.UTF8ToString(tree) };
  }

  return (text) => {
    const size = parser.lengthBytesUTF8(text) + 1;
    const input = allocate(size);
    let result = 0;
    try {
      parser.stringToUTF8(text, input, size);
      result = parse(input);
      if (result === 0) throw new Error('The parser has no memory left.');
      return toParsed(result);
    } finally {
      free(input);
      if (result !== 0) freeResult(result);
    }
  };
}
