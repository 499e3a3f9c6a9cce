const LONGEST = 200;
const STRAY_CHARACTER = /^\s|\s$|\p{Cc}/u;
/** What is special in a regular expression or another kind of glob, and would silently match nothing here. */
const FOREIGN_SYNTAX = /[?|[\](){}\\]|\.[*+]|^[\^!]|\$$/;

/** Why a pattern of names cannot be used and what to write instead; undefined if it can. */
export function findPatternProblem(pattern: string): string | undefined {
  if (pattern === '') return 'is empty; write * for every name';
  if (pattern.length > LONGEST) return `is longer than ${LONGEST} characters; shorten it with *`;
  if (pattern.includes('**')) return 'has "**"; one * stands for any run of characters already';
  if (STRAY_CHARACTER.test(pattern)) return 'has white space around it or a control character in it; take it away';
  if (FOREIGN_SYNTAX.test(pattern)) return 'looks like another kind of pattern; only * is special, as in shop-*';
  return undefined;
}
