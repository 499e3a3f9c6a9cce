/** A weight of nothing says that a range is not acceptable (RFC 9110, section 12.4.2). */
const NOT_ACCEPTABLE = /^\s*q=0(\.0{0,3})?\s*$/i;

/** Whether an `Accept` header allows an answer of this type (RFC 9110, section 12.5.1). A missing header allows all. */
export function accepts(header: string | undefined, type: 'application/json' | 'text/event-stream'): boolean {
  if (header === undefined) return true;
  const weights = new Map(header.split(',').map(readRange));
  // the most specific range decides
  const ranges = [type, `${type.split('/', 1)[0]}/*`, '*/*'];
  const chosen = ranges.find((range) => weights.has(range));
  return chosen !== undefined && weights.get(chosen) === true;
}

function readRange(text: string): [range: string, isAcceptable: boolean] {
  const [range = '', ...parameters] = text.split(';');
  return [range.trim().toLowerCase(), !parameters.some((parameter) => NOT_ACCEPTABLE.test(parameter))];
}
