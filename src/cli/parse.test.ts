import { describe, expect, it } from 'vitest';
import { GLOBAL_OPTIONS, type Options } from './command.ts';
import { findWords, parseGiven, withoutWords } from './parse.ts';

const options: Options = {
  ...GLOBAL_OPTIONS,
  'min-size': { type: 'string', value: '<bytes>', description: '' },
  role: { type: 'string', repeatable: true, description: '' },
  all: { type: 'boolean', description: '' },
};
const parse = (...args: string[]) => parseGiven(args, options, ['[url]']);

describe('parsing a command line', () => {
  it('takes values after a space or an equals sign, short and long', () => {
    expect(parse('--min-size', '5', '-c', 'a.yaml', '--all', 'x')).toEqual({
      positionals: ['x'],
      values: { 'min-size': '5', config: 'a.yaml', all: true },
    });
    expect(parse('--min-size=-1').values).toEqual({ 'min-size': '-1' });
  });

  it('takes a negative number as a value, and another option not', () => {
    expect(parse('--min-size', '-1').values).toEqual({ 'min-size': '-1' });
    expect(() => parse('--min-size', '--all')).toThrow('The option --min-size needs a value.');
    expect(() => parse('--min-size')).toThrow('The option --min-size needs a value.');
  });

  it('takes each value of an option that may be given several times, in order', () => {
    expect(parse('--role', 'b', '--all', '--role=a', '--role', 'b').values).toEqual({
      role: ['b', 'a', 'b'],
      all: true,
    });
    expect(parse('--role', 'b').values).toEqual({ role: ['b'] });
    expect(() => parse('--role', 'a', '--role')).toThrow('The option --role needs a value.');
  });

  it('takes what stands behind -- as words', () => {
    expect(parse('--', '--all').positionals).toEqual(['--all']);
  });

  it.each([
    [['--al'], 'There is no option "--al".', 'Did you mean --all?'],
    [['--minsize', '5'], 'There is no option "--minsize".', 'Did you mean --min-size?'],
    [['--__proto__'], 'There is no option "--__proto__".', '--help shows the options.'],
    [['--all=yes'], 'The option --all takes no value.', undefined],
    [['--min-size', '1', '--min-size', '2'], 'The option --min-size is given twice.', 'Keep one of them.'],
    [['a', 'b'], 'The argument "b" is one too many.', 'Quote an argument that has spaces; --help shows what is taken.'],
  ])('refuses %j and says what to do', (args, message, hint) => {
    expect(() => parse(...args)).toThrow(expect.objectContaining({ code: 'INVALID_INPUT', message, hint }));
  });

  it('finds the words of a command between options and their values', () => {
    const args = ['-c', 'tools', '--json', 'audit', 'tail', '--all'];
    const words = findWords(args, options);
    expect(words.map(({ value }) => value)).toEqual(['audit', 'tail']);
    expect(withoutWords(args, words)).toEqual(['-c', 'tools', '--json', '--all']);
  });
});
