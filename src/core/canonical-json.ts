/** How JSON.stringify begins a lone surrogate, and little else, so that the exact test is seldom needed. */
const ESCAPED_SURROGATE = String.raw`\ud`;

/**
 * The one text that RFC 8785 gives a JSON value.
 * Throws TypeError for what has none: `undefined`, NaN, infinities, big integers, lone surrogates.
 */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return quote(value);
  if (typeof value === 'number' && Number.isFinite(value)) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value === 'object') return canonicalObject(value as Readonly<Record<string, unknown>>);
  throw new TypeError(`A ${typeof value} has no JSON text.`);
}

/** Keys are ordered by UTF-16 code units (RFC 8785 section 3.2.3), which is what `toSorted` does. */
function canonicalObject(value: Readonly<Record<string, unknown>>): string {
  const members = Object.keys(value)
    .toSorted()
    .map((key) => `${quote(key)}:${canonicalJson(value[key])}`);
  return `{${members.join(',')}}`;
}

function quote(text: string): string {
  const quoted = JSON.stringify(text);
  if (quoted.includes(ESCAPED_SURROGATE) && /\p{Surrogate}/u.test(text)) {
    throw new TypeError('A string with a lone surrogate has no canonical JSON text.');
  }
  return quoted;
}
