import { parseArgs } from 'node:util';
import { PlatformError } from '../core/errors.ts';
import { nearest } from '../core/nearest.ts';
import type { Given, Options } from './command.ts';

type Token = NonNullable<ReturnType<typeof parseArgs>['tokens']>[number];
type OptionToken = Extract<Token, { kind: 'option' }>;

/** A word on the command line that is neither an option nor the value of one. */
interface Word {
  readonly value: string;
  readonly index: number;
}

export function findWords(args: readonly string[], options: Options): readonly Word[] {
  return tokenize(args, options).flatMap((token) => (token.kind === 'positional' ? [token] : []));
}

export function withoutWords(args: readonly string[], words: readonly Word[]): string[] {
  return args.filter((_, i) => !words.some(({ index }) => index === i));
}

/** Parses the arguments of one command. Fails with INVALID_INPUT, naming the option that was most likely meant. */
export function parseGiven(args: readonly string[], options: Options, positionals: readonly string[]): Given {
  const values: Record<string, string | boolean | readonly string[]> = {};
  const words: string[] = [];
  for (const token of tokenize(args, options)) {
    if (token.kind === 'positional') words.push(token.value);
    if (token.kind === 'option') values[token.name] = readValue(token, options, values);
  }
  const excess = words[positionals.length];
  if (excess !== undefined) {
    throw new PlatformError('INVALID_INPUT', `The argument ${JSON.stringify(excess)} is one too many.`, {
      hint: 'Quote an argument that has spaces; --help shows what is taken.',
    });
  }
  return { positionals: words, values };
}

function tokenize(args: readonly string[], options: Options): readonly Token[] {
  const plain = Object.entries(options).map(([name, { type, short }]) => {
    return [name, { type, ...(short !== undefined && { short }) }] as const;
  });
  const config = { options: Object.fromEntries(plain), strict: false, allowPositionals: true, tokens: true } as const;
  return parseArgs({ ...config, args: [...args] }).tokens;
}

function readValue(
  token: OptionToken,
  options: Options,
  values: Given['values'],
): string | boolean | readonly string[] {
  const option = Object.hasOwn(options, token.name) ? options[token.name] : undefined;
  if (option === undefined) throw unknownOption(token.rawName, options);
  if (Object.hasOwn(values, token.name) && option.type === 'string' && option.repeatable !== true) {
    throw new PlatformError('INVALID_INPUT', `The option ${token.rawName} is given twice.`, {
      hint: 'Keep one of them.',
    });
  }
  if (option.type === 'boolean') {
    if (token.value === undefined) return true;
    throw new PlatformError('INVALID_INPUT', `The option ${token.rawName} takes no value.`);
  }
  if (token.value === undefined || (!token.inlineValue && looksLikeOption(token.value))) {
    throw new PlatformError('INVALID_INPUT', `The option ${token.rawName} needs a value.`, {
      hint: `Write --${token.name}=${option.value ?? '<value>'} if the value starts with a dash.`,
    });
  }
  if (option.repeatable !== true) return token.value;
  const before = values[token.name];
  return [...(Array.isArray(before) ? before : []), token.value];
}

/** `-1` is a number, `-x` is not. */
function looksLikeOption(value: string): boolean {
  return /^-(?!\d|\.\d|$)/.test(value);
}

function unknownOption(rawName: string, options: Options): PlatformError {
  const near = nearest(rawName.replace(/^--?/, ''), Object.keys(options));
  return new PlatformError('INVALID_INPUT', `There is no option ${JSON.stringify(rawName)}.`, {
    hint: near === undefined ? '--help shows the options.' : `Did you mean --${near}?`,
  });
}
