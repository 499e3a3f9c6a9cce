/** Statements and definitions as references, by the guard's own reading. */
import { afterAll } from 'vitest';
import type { ReadDefinitions } from '../src/guard/add-definitions.ts';
import { isRefusal, readReferences, readStatement } from '../src/guard/read-statement.ts';
import type { References } from '../src/guard/references.ts';
import { openStatementTexts, type ParseResult } from '../src/sqltext/statement-texts.ts';

export interface Definitions {
  readonly read: ReadDefinitions;
  /** Of a statement that the guard takes, as a server of that major reads it; fails on another. */
  referencesIn(text: string, major?: number): Promise<References>;
}

/** Registers a hook that ends the parser with the file. */
export function useDefinitions(): Definitions {
  const texts = openStatementTexts({ textMs: 10_000 }); // other tests may keep the processor
  afterAll(() => texts.close());
  const readOne = async (text: string): Promise<References | undefined> => {
    const tree: ParseResult = await texts.parse(text);
    const references = readReferences(tree);
    return isRefusal(references) ? undefined : references;
  };
  return {
    read: (statements) => Promise.all(statements.map(readOne)),
    referencesIn: async (text, major) => {
      const read = readStatement(await texts.parse(text), major === undefined ? {} : { major });
      if (isRefusal(read)) throw new Error(`${read.reason}: ${text}`);
      return read.references;
    },
  };
}
